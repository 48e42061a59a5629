"""The default host's capabilities and system information, as XML."""

SYSINFO = """\
<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
"""
#: KiB
PAGES = (4, 8, 2048, 1048576)
#: Per NUMA cell of the default host: KiB of memory, KiB of its small pages.
CELLS = ((2097152, 4), (4194304, 8))
CELL_CPUS = 8


def capabilities(cells: "tuple[tuple[int, int], ...]") -> str:
    """What virConnectGetCapabilities returns."""
    pages = "".join(f"      <pages unit='KiB' size='{size}'/>\n" for size in PAGES)
    topology = "".join(_cell(number, *cell) for number, cell in enumerate(cells))
    return f"""\
<capabilities>

  <host>
    <cpu>
      <arch>i686</arch>
      <features>
        <pae/>
        <nonpae/>
      </features>
{pages}    </cpu>
    <power_management/>
    <iommu support='no'/>
    <topology>
      <cells num='{len(cells)}'>
{topology}      </cells>
    </topology>
    <secmodel>
      <model>testSecurity</model>
      <doi></doi>
    </secmodel>
  </host>

{_guest("hvm")}
{_guest("xen")}
</capabilities>
"""


def _cell(number: int, memory: int, page: int) -> str:
    first = number * CELL_CPUS
    cpus = "".join(
        f"            <cpu id='{first + i}' socket_id='{number}' die_id='0' core_id='{i}' siblings='{first + i}'/>\n"
        for i in range(CELL_CPUS)
    )
    return f"""\
        <cell id='{number}'>
          <memory unit='KiB'>{memory}</memory>
          <pages unit='KiB' size='{page}'>{memory // page}</pages>
          <pages unit='KiB' size='2048'>0</pages>
          <pages unit='KiB' size='1048576'>0</pages>
          <cpus num='{CELL_CPUS}'>
{cpus}          </cpus>
        </cell>
"""


def _guest(os_type: str) -> str:
    return f"""\
  <guest>
    <os_type>{os_type}</os_type>
    <arch name='i686'>
      <wordsize>32</wordsize>
      <emulator>/usr/bin/test-hv</emulator>
      <domain type='test'/>
    </arch>
    <features>
      <pae/>
      <nonpae/>
    </features>
  </guest>
"""
