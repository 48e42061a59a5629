"""CPUs, I/O threads, limits and statistics of domains."""

from typing import Any

import pytest

from tests.test_driver.conftest import Both
from vsh.backends.params import BOOLEAN, INT, LLONG, STRING, UINT, ULLONG, TypedParams
from vsh.backends.records import DomainRef

NOBODY = DomainRef("nobody", b"\x01" * 16, -1)
UUID = "11111111-2222-3333-4444-555555555555"
XML = f"""\
<domain type='test'>
  <name>guest</name>
  <uuid>{UUID}</uuid>
  <memory unit='MiB'>64</memory>
  <blkiotune><weight>300</weight><device><path>/dev/sda</path><weight>500</weight></device></blkiotune>
  <memtune><hard_limit unit='MiB'>100</hard_limit><swap_hard_limit unit='MiB'>200</swap_hard_limit></memtune>
  <vcpu cpuset='1-3' current='2'>4</vcpu>
  <iothreads>3</iothreads>
  <cputune><vcpupin vcpu='0' cpuset='2'/><iothreadpin iothread='1' cpuset='0-1'/></cputune>
  <numatune><memory mode='preferred' nodeset='0'/></numatune>
  <os><type>hvm</type></os>
  <perf><event name='mbmt' enabled='yes'/></perf>
  <devices>
    <disk type='file'>
      <driver name='qemu' iothread='2'/><source file='/guest.img'/><target dev='vda'/>
      <iotune><total_bytes_sec>1000</total_bytes_sec></iotune>
    </disk>
    <disk type='file'><source file='/twice.img'/><target dev='vdb'/></disk>
    <disk type='file'><source file='/twice.img'/><target dev='vdc'/></disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/><source network='default'/>
      <bandwidth><inbound average='1' peak='2' burst='3'/></bandwidth>
    </interface>
    <interface type='user'><mac address='52:54:00:00:00:02'/></interface>
  </devices>
</domain>
"""
REF = DomainRef("guest", bytes.fromhex(UUID.replace("-", "")), -1)
#: No flag, live, config, both, one too many.
FLAGS = (0, 1, 2, 3, 8)


def settle(info: Any) -> Any:
    """CPU times grow while one looks."""
    return info._replace(info=[vcpu._replace(cpu_time=0) for vcpu in info.info])


@pytest.fixture
def guests(both: Both) -> list[DomainRef]:
    """A running domain that has nothing to tune, one with everything that runs, and one nobody knows."""
    both.scrub["domain_get_vcpus"] = settle
    both.domain_define_xml(XML)
    return [both.domain_lookup_by_name("test"), both.domain_create_with_flags(REF, 0), NOBODY]


def look(both: Both, dom: DomainRef) -> None:
    """Everything that this page's calls change."""
    both.domain_get_xml_desc(dom, 0)
    both.domain_get_xml_desc(dom, 2)
    for flags in FLAGS:
        both.domain_get_vcpu_pin_info(dom, flags)
        both.domain_get_emulator_pin_info(dom, flags)
        both.domain_get_iothread_info(dom, flags)
        both.domain_get_memory_parameters(dom, flags | 4)
        both.domain_get_blkio_parameters(dom, flags | 4)
        both.domain_get_numa_parameters(dom, flags | 4)
        both.domain_get_perf_events(dom, flags | 4)
        for device in ("testnet0", "52:54:00:00:00:01", "52:54:0:0:0:2", "vnet7", ""):
            both.domain_get_interface_parameters(dom, device, flags | 4)
        for disk in ("vda", "/guest.img", "/twice.img", "vdz", ""):
            both.domain_get_block_io_tune(dom, disk, flags | 4)


def test_cpus(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        both.domain_get_vcpus(dom)
        for vcpu in (0, 1, 2, 3, 9):
            both.domain_pin_vcpu(dom, vcpu, b"\x06")
            both.domain_pin_vcpu_flags(dom, vcpu, b"\x01\x80", 0)
            both.domain_pin_vcpu_flags(dom, vcpu, b"\x01", 1)
        both.domain_pin_vcpu(dom, 1, b"\0")
        for flags in FLAGS:
            both.domain_pin_emulator(dom, b"\x0c", flags)
        both.domain_pin_emulator(dom, b"\0", 0)
        look(both, dom)
        both.domain_get_vcpus(dom)
        for nparams, start, count in ((0, -1, 1), (3, -1, 1), (2, -1, 1), (0, 0, 1), (0, 0, 0), (2, 0, 2), (1, 1, 9)):
            both.domain_get_cpu_stats(dom, nparams, start, count, 0)
        both.domain_get_cpu_stats(dom, 2, 7, 1, 0)
        both.domain_get_cpu_stats(dom, 2, 0, 2, 1)
    both.domain_destroy(REF)
    both.domain_get_vcpus(REF)
    both.domain_pin_vcpu(REF, 0, b"\1")
    both.domain_get_cpu_stats(REF, 3, -1, 1, 0)
    look(both, REF)


def test_iothreads(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for flags in (*FLAGS, 0, 1, 2):
            for number in (0, 1, 7):
                both.domain_add_iothread(dom, number, flags)
            for number in (1, 2, 7, 9):
                both.domain_pin_iothread(dom, number, b"\x0c", flags)
            both.domain_pin_iothread(dom, 7, b"\0", flags)
            both.connect_get_all_domain_stats([dom], 0, 0)
            for values in (
                [("poll_max_ns", ULLONG, 5), ("poll_grow", UINT, 6), ("poll_shrink", UINT, 7)],
                [("poll_max_ns", UINT, 5)],
                [("thread_pool_min", INT, 1)],
                [("poll_grow", UINT, 6), ("poll_grow", UINT, 6)],
            ):
                for number in (0, 1, 7, 9):
                    both.domain_set_iothread_params(dom, number, TypedParams(values), flags)
            both.connect_get_all_domain_stats([dom], 128, 0)
            look(both, dom)
            for number in (7, 2, 1, 9):
                both.domain_del_iothread(dom, number, flags)
            look(both, dom)
    both.domain_destroy(REF)
    look(both, REF)


def test_memory_limits(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for values in (
            [("hard_limit", ULLONG, 50000), ("soft_limit", ULLONG, 9), ("swap_hard_limit", ULLONG, 60000)],
            [("hard_limit", ULLONG, 60001)],
            [("swap_hard_limit", ULLONG, 49999)],
            [("soft_limit", ULLONG, 1 << 60)],
            [("hard_limit", LLONG, 1)],
            [("min_guarantee", ULLONG, 1)],
            [("hard_limit", ULLONG, 1), ("hard_limit", ULLONG, 1)],
            [("swap_hard_limit", ULLONG, 1 << 60)],
        ):
            for flags in FLAGS:
                both.domain_set_memory_parameters(dom, TypedParams(values), flags)
        look(both, dom)


def test_block_device_limits(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for values in (
            [("weight", UINT, 500)],
            [("device_weight", STRING, "/dev/sdb,700,/dev/sda,0")],
            [("device_read_iops_sec", STRING, "/dev/sdc,7"), ("device_read_bytes_sec", STRING, "/dev/sdc,99999999999")],
            [("device_write_iops_sec", STRING, ""), ("device_write_bytes_sec", STRING, "/dev/sdd,0")],
            [("device_weight", STRING, "/dev/sda"), ("weight", UINT, 700)],
            [("device_weight", STRING, "/dev/sda,x,/dev/sdb,1")],
            [("device_weight", STRING, "/dev/sda,1x")],
            [("device_weight", STRING, "/dev/sda,99999999999")],
            [("device_weight", STRING, "/dev/sda,-1")],
            [("device_weight", STRING, "/dev/sda,1,")],
            [("weight", INT, 500)],
            [("length", UINT, 500)],
        ):
            for flags in FLAGS:
                both.domain_set_blkio_parameters(dom, TypedParams(values), flags)
        look(both, dom)


def test_numa_placement(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for values in (
            [("numa_mode", INT, 2)],
            [("numa_nodeset", STRING, "0-1,^0")],
            [("numa_mode", INT, 1), ("numa_nodeset", STRING, "0")],
            [("numa_mode", INT, 3)],
            [("numa_mode", INT, 9)],
            [("numa_mode", INT, -1)],
            [("numa_nodeset", STRING, "x")],
            [("numa_nodeset", STRING, "")],
            [("numa_nodeset", STRING, "1,^1")],
        ):
            for flags in FLAGS:
                both.domain_set_numa_parameters(dom, TypedParams(values), flags)
                both.domain_get_numa_parameters(dom, flags | 4)
        look(both, dom)
    both.domain_define_xml(XML.replace("<numatune>", "<!--").replace("</numatune>", "-->").replace("guest<", "free<")
                           .replace(UUID, UUID.replace("1", "2")))  # fmt: skip
    free = both.domain_lookup_by_name("free")
    both.domain_set_numa_parameters(free, TypedParams([("numa_mode", INT, 2)]), 0)
    both.domain_set_numa_parameters(free, TypedParams([("numa_nodeset", STRING, "3")]), 0)
    look(both, free)


def test_interface_limits(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for values in (
            [("inbound.average", UINT, 10), ("inbound.peak", UINT, 20), ("inbound.burst", UINT, 30)],
            [("outbound.average", UINT, 11), ("outbound.peak", UINT, 22), ("outbound.burst", UINT, 33)],
            [("inbound.floor", UINT, 5)],
            [("outbound.peak", UINT, 5)],
            [("inbound.average", UINT, 0)],
            [("outbound.average", UINT, 0)],
            [("inbound.average", ULLONG, 10)],
            [("outbound.floor", UINT, 10)],
        ):
            for flags in FLAGS:
                both.domain_set_interface_parameters(dom, "testnet0", TypedParams(values), flags)
            both.domain_set_interface_parameters(dom, "52:54:00:00:00:02", TypedParams(values), 0)
            both.domain_set_interface_parameters(dom, "nothing", TypedParams(values), 0)
            look(both, dom)


def test_throughput_limits(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for values in (
            [("total_bytes_sec", ULLONG, 10), ("total_bytes_sec_max", ULLONG, 20)],
            [("total_bytes_sec", ULLONG, 10), ("read_bytes_sec", ULLONG, 20)],
            [("write_iops_sec", ULLONG, 10), ("total_iops_sec", ULLONG, 20)],
            [("write_iops_sec_max", ULLONG, 10), ("total_iops_sec_max", ULLONG, 20)],
            [("total_bytes_sec_max", ULLONG, 10), ("write_bytes_sec_max", ULLONG, 20)],
            [("total_iops_sec", ULLONG, 10), ("total_iops_sec_max", ULLONG, 5)],
            [("total_iops_sec", ULLONG, 10), ("total_iops_sec_max", ULLONG, 50), ("group_name", STRING, "some")],
            [("total_iops_sec_max_length", ULLONG, 10), ("size_iops_sec", ULLONG, 50)],
            [("size_iops_sec", ULLONG, 1 << 60)],
            [("size_iops_sec", UINT, 5)],
            [("sometimes", UINT, 5)],
        ):
            for flags in FLAGS:
                both.domain_set_block_io_tune(dom, "vda", TypedParams(values), flags)
            for disk in ("/twice.img", "vdz", ""):
                both.domain_set_block_io_tune(dom, disk, TypedParams(values), 0)
        look(both, dom)


def test_performance_events_and_scheduler(both: Both, guests: list[DomainRef]) -> None:
    for dom in guests:
        for flags in FLAGS:
            both.domain_set_perf_events(dom, TypedParams([("cmt", BOOLEAN, True), ("mbmt", BOOLEAN, False)]), flags)
            both.domain_set_perf_events(dom, TypedParams([("nothing", BOOLEAN, True)]), flags)
            both.domain_set_perf_events(dom, TypedParams([("cmt", INT, 1)]), flags)
            both.domain_set_scheduler_parameters_flags(dom, TypedParams([("weight", UINT, 9)]), flags)
            both.domain_set_scheduler_parameters_flags(dom, TypedParams([("cap", UINT, 9)]), flags)
            both.domain_get_scheduler_parameters_flags(dom, flags)
        both.domain_get_scheduler_type(dom)
        both.domain_set_scheduler_parameters(dom, TypedParams([("weight", UINT, 9)]))
        both.domain_get_scheduler_parameters(dom)
        both.domain_get_launch_security_info(dom, 0)
        both.domain_get_launch_security_info(dom, 1)
        look(both, dom)


def test_addresses_and_statistics(both: Both, guests: list[DomainRef]) -> None:
    both.scrub["connect_get_all_domain_stats"] = sorted
    for dom in guests:
        for source in range(4):
            both.domain_interface_addresses(dom, source, 0)
        both.domain_interface_addresses(dom, 0, 1)
        both.domain_interface_stats(dom, "")
        both.domain_interface_stats(dom, "52:54:00:00:00:09")
    both.domain_destroy(REF)
    both.domain_interface_addresses(REF, 0, 0)
    for bit in range(32):
        both.connect_get_all_domain_stats([], 0, 1 << bit)
        both.connect_get_all_domain_stats([], 1 << bit, 0)
        both.connect_get_all_domain_stats([], 1 << bit, 1 << 31)
    both.connect_get_all_domain_stats(guests, 1, 0x45)
    both.connect_get_all_domain_stats([NOBODY], 1, 0)


def test_a_screenshot(both: Both, guests: list[DomainRef]) -> None:
    both.scrub["domain_screenshot"] = lambda answer: read_all(answer)
    for dom in guests:
        both.domain_screenshot(dom, 0, 0)
        both.domain_screenshot(dom, 5, 1)


def read_all(answer: Any) -> tuple[str, bytes]:
    """The type of a picture and its first bytes."""
    kind, stream = answer
    data = b""
    while piece := stream.recv(10000):
        data += piece
    stream.finish()
    return kind, data[:16]
