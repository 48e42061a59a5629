"""More domains, a family of devices each: (what stands beside the devices, devices)."""

from tests.qemu.documents import domain

_OS = "<type arch='x86_64' machine='MACHINE'>hvm</type>"
_ACPI = "<features><acpi/></features>"
_SMM = "<features><acpi/><smm state='on'/></features>"
_CODE = "/usr/share/OVMF/OVMF_CODE_4M"


def _features(**asked: str) -> str:
    each = "".join(f"<feature enabled='{value}' name='{name.replace('_', '-')}'/>" for name, value in asked.items())
    return f"<os firmware='efi'>{_OS}<firmware>{each}</firmware></os>"


FIRMWARE = [
    (f"<os firmware='efi'>{_OS}</os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}</os>", ""),
    (f"<os firmware='bios'>{_OS}</os>", ""),
    (f"<os firmware='efi'>{_OS}<loader secure='yes'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<loader secure='no'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<loader stateless='yes'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<nvram>/tmp/a_VARS.fd</nvram></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}<nvram template='/t.fd'/></os>{_ACPI}", ""),
    (f"<os firmware='efi'>{_OS}</os>{_ACPI}<pm><suspend-to-disk enabled='yes'/></pm>", ""),
    (_features(secure_boot="yes", enrolled_keys="yes") + _ACPI, ""),
    (_features(secure_boot="yes", enrolled_keys="no") + _SMM, ""),
    (_features(secure_boot="no") + _SMM, ""),
    (_features(enrolled_keys="no") + "<features><acpi/><smm state='off'/></features>", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>{_CODE}.fd</loader></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>{_CODE}.secboot.fd</loader></os>{_SMM}", ""),
    (f"<os>{_OS}<loader readonly='yes' secure='yes' type='pflash'>{_CODE}.secboot.fd</loader>"
     f"<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/tmp/x_VARS.fd</nvram></os>{_SMM}", ""),
    (f"<os>{_OS}<loader readonly='yes' secure='yes' type='pflash'>/c.fd</loader></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>/nope/CODE.fd</loader><nvram template='/x'/></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader type='pflash'>{_CODE}.fd</loader></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' type='pflash'>/c.fd</loader>"
     f"<nvram type='block'><source dev='/dev/zero'/></nvram></os>{_ACPI}", ""),
    (f"<os>{_OS}<loader readonly='yes' stateless='yes' type='pflash'>/c.fd</loader></os>{_ACPI}", ""),
]  # fmt: skip

X86 = {"firmware": FIRMWARE}


def families() -> "dict[str, str]":
    """name -> XML: each of these for both machines."""
    found: dict[str, str] = {}
    for machine in ("pc", "q35"):
        for family, texts in X86.items():
            for number, (beside, devices) in enumerate(texts):
                name = f"{machine}-{family}-{number}"
                found[name] = domain(name, 0x1000 + len(found), machine, devices, beside)
    return found
