"""Programs beside QEMU: they begin with the guest, end with it, and keep what a guest is to find again."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.need import need, need_root
from tests.live.wait import wait_until
from tests.qemu.documents import domain
from vsh.backends import api
from vsh.backends.errors import INTERNAL_ERROR, VirtError
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.store import Running

PAUSED, KEEP_TPM = 1, 64
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'{}/></tpm>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


@pytest.fixture
def conn(root: Path) -> Iterator[api.Connection]:
    """Guests and programs run as root: swtpm_setup wants to write to /tmp, which not every user may everywhere."""
    need_root()
    need("swtpm", "swtpm_setup")
    (root / "e/etc").mkdir(parents=True)
    (root / "e/etc/qemu.conf").write_text('user = "root"\ngroup = "root"\n')
    connection = api.open(f"qemu:///embed?root={root}/e")
    yield connection
    connection.close()


def running(root: Path) -> Running:
    return Running.load(next((root / "e/run/qemu").glob("*.state")).read_bytes())


def test_a_tpm_begins_and_ends_with_its_guest(conn: api.Connection, root: Path) -> None:
    shared = root / "a,b\\c"
    shared.mkdir()
    inside = f"<driver type='virtiofs'/><source dir='{shared}'/><target dir='tag'/>"
    devices = TPM.format("") + f"<filesystem type='mount'>{inside}</filesystem>"
    ref = conn.domain_define_xml_flags(domain("d", 1, "q35", devices, SHARED), 0)
    conn.domain_create_with_flags(ref, PAUSED)
    record = running(root)
    assert len(record.helpers) == 2 and LocalHost().alive(record.helpers) == [True, True]
    command = Path(f"/proc/{record.helpers[1].pid}/cmdline").read_text().split("\0")
    assert command[-2] == f"source={root}/a\\,b\\\\c"
    said = conn.qemu_domain_monitor_command(ref, "info tpm", 1)
    assert "tpm0: model=tpm-crb" in said
    state = next((root / "e/lib/qemu/swtpm").glob("*/tpm2/tpm2-00.permall"))
    made = state.read_bytes()
    conn.domain_destroy_flags(ref, 0)
    assert LocalHost().alive(record.helpers) == [False, False]
    # The same TPM, not a new one; and whoever finds QEMU gone ends the others.
    conn.domain_create_with_flags(ref, PAUSED)
    record = running(root)
    assert state.stat().st_size == len(made) and state.exists()
    assert record.process is not None
    LocalHost().signal(record.process, 9)
    wait_until(lambda: not LocalHost().alive([record.process])[0])  # type: ignore[list-item]
    assert conn.domain_get_state(ref, 0).state == 5
    assert LocalHost().alive(record.helpers) == [False, False] and not list((root / "e/lib/qemu").glob("domain-*"))
    conn.domain_undefine_flags(ref, KEEP_TPM)
    assert state.exists()
    conn.domain_undefine_flags(conn.domain_define_xml_flags(domain("d", 1, "q35", TPM.format(""), ""), 0), 0)
    assert not state.exists()


def test_what_a_tpm_knows_goes_with_a_transient_guest(conn: api.Connection, root: Path) -> None:
    for number, (keep, left) in enumerate((("", 0), (" persistent_state='yes'", 1)), 1):
        ref = conn.domain_create_xml(domain("t", number, "q35", TPM.format(keep), ""), PAUSED)
        conn.domain_destroy_flags(ref, 0)
        assert len(list((root / "e/lib/qemu/swtpm").glob("*/tpm2"))) == left


def test_passt_forwards_ports(root: Path) -> None:
    need_root()
    need("passt")
    connection = api.open(f"qemu:///embed?root={root}/e")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    forward = f"<portForward proto='tcp' address='127.0.0.1'><range start='{port}' to='22'/></portForward>"
    net = f"<interface type='user'><model type='virtio'/><backend type='passt'/>{forward}</interface>"
    ref = connection.domain_create_xml(domain("p", 1, "q35", net, ""), PAUSED)
    helper = running(root).helpers[0]
    words = Path(f"/proc/{helper.pid}/cmdline").read_text().split("\0")
    assert f"127.0.0.1/{port}:22" in words and "--one-off" in words
    socket.create_connection(("127.0.0.1", port), timeout=10).close()
    assert "hostnet0: index=0,type=stream" in connection.qemu_domain_monitor_command(ref, "info network", 1)
    connection.domain_destroy_flags(ref, 0)
    assert LocalHost().alive([helper]) == [False]
    connection.close()


def test_what_does_not_come_up_leaves_nothing(conn: api.Connection, root: Path) -> None:
    (root / "notd").write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    (root / "notd").chmod(0o755)
    program = f"<driver type='virtiofs'/><binary path='{root}/notd'/><source dir='/tmp'/><target dir='tag'/>"
    text = domain("d", 1, "q35", TPM.format("") + f"<filesystem type='mount'>{program}</filesystem>", SHARED)
    with pytest.raises(VirtError, match="notd ended before it was ready: no such luck") as caught:
        conn.domain_create_xml(text, PAUSED)
    assert caught.value.code == INTERNAL_ERROR
    assert not list((root / "e/run/qemu").glob("*.state")) and not list((root / "e/lib/qemu").glob("domain-*"))
    processes = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    assert not [line for line in processes if str(root).encode() in line and b"swtpm" in line]
