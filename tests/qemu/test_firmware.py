"""Firmware that is chosen for a guest, and the variables it keeps."""

from pathlib import Path

import pytest

from tests.live.need import unavailable
from tests.qemu.documents import domain
from vsh.backends import api
from vsh.backends.errors import OPERATION_FAILED, OPERATION_INVALID, SYSTEM_ERROR, VirtError

PAUSED, RESET_NVRAM = 1, 32
UNDEFINE_NVRAM, KEEP_NVRAM = 4, 8
TEMPLATE = Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
OS = "<type arch='x86_64' machine='q35'>hvm</type>"
ACPI = "<features><acpi/></features>"


def test_variables_begin_as_the_template_and_stay(conn: api.Connection, root: Path) -> None:
    if not TEMPLATE.exists():
        unavailable("not installed: ovmf")
    text = domain("efi", 1, "q35", "<memballoon model='none'/>", f"<os firmware='efi'>{OS}</os>{ACPI}")
    ref = conn.domain_define_xml_flags(text, 0)
    file = root / "e/lib/qemu/nvram/efi_VARS.fd"
    assert not file.exists()
    conn.domain_create_with_flags(ref, PAUSED)
    assert file.read_bytes() == TEMPLATE.read_bytes()
    running, lasting = conn.domain_get_xml_desc(ref, 0), conn.domain_get_xml_desc(ref, 2)
    assert "<loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>" in running
    assert f"<nvram template='{TEMPLATE}'>{file}</nvram>" in running and "<smm state='on'/>" in running
    assert "<os firmware='efi'>" in lasting and "nvram" not in lasting
    conn.domain_destroy_flags(ref, 0)
    for flags, kept in ((PAUSED, True), (PAUSED | RESET_NVRAM, False)):
        with file.open("r+b") as variables:
            variables.write(b"what the guest wrote")
        conn.domain_create_with_flags(ref, flags)
        assert (file.read_bytes() != TEMPLATE.read_bytes()) == kept
        conn.domain_destroy_flags(ref, 0)
    with pytest.raises(VirtError, match="cannot undefine domain with nvram") as caught:
        conn.domain_undefine_flags(ref, 0)
    assert caught.value.code == OPERATION_INVALID
    conn.domain_undefine_flags(ref, KEEP_NVRAM)
    assert file.exists()
    conn.domain_undefine_flags(conn.domain_define_xml_flags(text, 0), UNDEFINE_NVRAM)
    assert not file.exists()


def test_no_firmware_no_guest(conn: api.Connection, root: Path) -> None:
    nvram = f"<nvram>{root}/x/vars.fd</nvram>"
    for system, code, said in (
        (f"<os firmware='bios'>{OS}</os>", OPERATION_FAILED, "Unable to find any firmware to satisfy 'bios'"),
        (f"<os>{OS}<loader readonly='yes' type='pflash'>/c.fd</loader>{nvram}</os>", OPERATION_FAILED,
         "unable to find any master var store for loader: /c.fd"),
        (f"<os>{OS}<loader readonly='yes' type='pflash'>/c.fd</loader><nvram template='/none.fd'/></os>", SYSTEM_ERROR,
         "from '/none.fd': No such file or directory"),
    ):  # fmt: skip
        ref = conn.domain_define_xml_flags(domain("efi", 1, "q35", "", system + ACPI), 0)
        with pytest.raises(VirtError, match=said) as caught:
            conn.domain_create_with_flags(ref, PAUSED)
        assert caught.value.code == code
        assert conn.domain_get_state(ref, 0).state == 5
        assert not list((root / "e/lib/qemu").glob("**/*.fd")) and not (root / "x").exists()


def test_a_list_of_templates(conn: api.Connection, root: Path) -> None:
    (root / "begin.fd").write_bytes(bytes(1 << 16))
    (root / "e/etc/qemu.conf").write_text(f'nvram = ["/c.fd:/none", "/tmp/code.fd:{root}/begin.fd"]\n')
    other = api.open(f"qemu:///embed?root={root}/e")
    system = f"<os>{OS}<loader readonly='yes' type='pflash'>/tmp/code.fd</loader></os>"
    ref = other.domain_define_xml_flags(domain("efi", 1, "q35", "", system + ACPI), 0)
    with pytest.raises(VirtError, match="/tmp/code"):  # QEMU's: there is no such code
        other.domain_create_with_flags(ref, PAUSED)
    assert (root / "e/lib/qemu/nvram/efi_VARS.fd").read_bytes() == bytes(1 << 16)
    other.close()
