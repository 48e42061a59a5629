"""The driver's files: what several processes, crashes and strangers make of them."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.side import vsh_command
from tests.qemu.documents import documents
from tests.qemu.running import code
from vsh.backends import api
from vsh.backends.errors import (
    CONFIG_UNSUPPORTED,
    NO_DOMAIN,
    OPERATION_FAILED,
    OPERATION_INVALID,
    OPERATION_TIMEOUT,
    RESOURCE_BUSY,
    SYSTEM_ERROR,
    VirtError,
)
from vsh.backends.qemu import lines, store

XML = documents()["pc-0"]
UUID = "6695eb01-f6a4-8304-79aa-97f2502e0001"


def named(name: str, number: int = 1) -> str:
    return XML.replace("<name>pc-0</name>", f"<name>{name}</name>").replace(UUID, f"{UUID[:-4]}{number:04x}")


def vsh(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*vsh_command(), *argv], capture_output=True, text=True, timeout=60)


def test_what_one_process_defines_others_see(conn: api.Connection, uri: str) -> None:
    conn.domain_define_xml_flags(named("one"), 0)
    two = named("two", 2).replace("<devices>", "<title>T\tt\\n</title><devices>")
    ref = conn.domain_define_xml_flags(two, 0)
    assert (ref.name, ref.id) == ("two", -1)
    run = vsh("-q", "-c", uri, "list", "--all", "--name")
    assert (run.stdout.split(), run.stderr) == (["one", "two"], "")
    assert vsh("-q", "-c", uri, "undefine", "one").returncode == 0
    assert [r.name for r in conn.connect_list_all_domains(0)] == ["two"]
    assert conn.domain_get_info(ref)[:4] == (5, 65536, 65536, 2)
    assert conn.domain_get_state(ref, 0) == (5, 0)
    assert (conn.domain_get_os_type(ref), conn.domain_is_persistent(ref), conn.domain_is_active(ref)) == ("hvm", 1, 0)


def test_names_and_uuids_are_unique(conn: api.Connection) -> None:
    ref = conn.domain_define_xml_flags(named("one"), 0)
    assert code(lambda: conn.domain_define_xml_flags(named("one", 2), 0)) == OPERATION_FAILED
    assert code(lambda: conn.domain_define_xml_flags(named("two"), 0)) == OPERATION_FAILED
    conn.domain_define_xml_flags(named("one").replace("<vcpu>2<", "<vcpu>3<"), 0)
    assert conn.domain_get_vcpus_flags(ref, 0) == 3
    assert len(conn.connect_list_all_domains(0)) == 1
    conn.domain_define_xml_flags(named("two", 2), 0)
    assert code(lambda: conn.domain_rename(ref, "two", 0)) == OPERATION_INVALID


def test_renaming(conn: api.Connection, root: Path) -> None:
    ref = conn.domain_define_xml_flags(named("one"), 0)
    conn.domain_set_autostart(ref, 1)
    conn.domain_rename(ref, "new name", 0)
    assert [r.name for r in conn.connect_list_all_domains(0)] == ["new name"]
    assert "<name>new name</name>" in conn.domain_get_xml_desc(ref, 0)
    assert conn.domain_get_autostart(ref) == 1
    assert sorted(path.name for path in (root / "e/etc/qemu").rglob("*.xml")) == ["new name.xml"] * 2
    assert code(lambda: conn.domain_lookup_by_name("one")) == NO_DOMAIN
    for bad in ("a/b", "", "new name"):
        with pytest.raises(VirtError):
            conn.domain_rename(ref, bad, 0)


def test_undefining(conn: api.Connection, root: Path) -> None:
    nvram = root / "vars.fd"
    os_ = "<loader readonly='yes' type='pflash'>/c.fd</loader><nvram>{}</nvram></os><features><acpi/></features>"
    ref = conn.domain_define_xml_flags(named("one").replace("</os>", os_.format(nvram)), 0)
    conn.domain_set_autostart(ref, 1)
    nvram.write_text("")
    assert code(lambda: conn.domain_undefine_flags(ref, 0)) == OPERATION_INVALID
    conn.domain_undefine_flags(ref, 8)
    assert nvram.exists()
    assert code(lambda: conn.domain_undefine_flags(ref, 0)) == NO_DOMAIN
    assert not [path for path in (root / "e").rglob("*") if path.suffix in (".xml", ".state") or "0001" in path.name]
    ref = conn.domain_define_xml_flags(named("one").replace("</os>", os_.format(nvram)), 0)
    assert conn.domain_get_autostart(ref) == 0
    conn.domain_undefine_flags(ref, 4)
    assert not nvram.exists()


def test_the_index_is_only_a_cache(conn: api.Connection, connect: Callable[..., api.Connection], root: Path) -> None:
    for number in (1, 2, 3):
        conn.domain_define_xml_flags(named(f"d{number}", number), 0)
    index = root / "e/lib/qemu/index"
    good = index.read_bytes()
    assert len(lines.load(good)) == 4
    for garbage in (b"", b"vsh-index\t1\nx\n", b"\xff\xfe", b"vsh-index\t99\n", good[: len(good) // 2]):
        index.write_bytes(garbage)
        assert len(connect().connect_list_all_domains(0)) == 3
    # A definition that somebody edits, copies in or deletes is seen as it is.
    file = root / "e/etc/qemu/d2.xml"
    file.write_text(file.read_text().replace(">2</vcpu>", ">4</vcpu>"))
    ref = conn.domain_lookup_by_name("d2")
    assert conn.domain_get_vcpus_flags(ref, 0) == 4
    file.unlink()
    (root / "e/etc/qemu/broken.xml").write_text("<domain")
    assert sorted(r.name for r in conn.connect_list_all_domains(0)) == ["d1", "d3"]


def test_definitions_are_private_and_leave_nothing_behind(conn: api.Connection, root: Path) -> None:
    conn.domain_define_xml_flags(named("one"), 0)
    assert (root / "e/etc/qemu/one.xml").stat().st_mode & 0o777 == 0o600
    assert (root / "e/etc/qemu").stat().st_mode & 0o077 in (0, 0o011)
    stale = root / "e/etc/qemu/.tmp-1-2-3"
    stale.write_text("")
    os.utime(stale, (1, 1))
    assert len(conn.connect_list_all_domains(0)) == 1
    assert not stale.exists()


def test_a_newer_format_is_refused(connect: Callable[..., api.Connection], uri: str, root: Path) -> None:
    connection = connect()
    ref = connection.domain_define_xml_flags(named("one"), 0)
    record = store.Running("one", ref.uuid, 1, "stopped", store.Entry("one", "", ref.uuid, "", "hvm", 1, 1, 1, 1))
    path = root / "e/run/qemu" / f"{ref.uuid.hex()}.state"
    path.write_bytes(record.dump().replace(b"format\t1", b"format\t2"))
    assert code(lambda: connection.domain_get_state(ref, 0)) == CONFIG_UNSUPPORTED
    path.write_bytes(b"garbage")
    with pytest.raises(VirtError, match="damaged"):
        connection.domain_get_state(ref, 0)
    path.unlink()
    connection.close()
    (root / "e/lib/qemu/format").write_text("2\n")
    assert code(lambda: api.open(uri)) == CONFIG_UNSUPPORTED
    run = vsh("-c", uri, "list")
    assert run.returncode == 1
    assert "written by a newer vsh" in run.stderr
    assert "Traceback" not in run.stderr


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
print(1, flush=True)
input()
"""


def test_libvirts_embedded_driver_keeps_us_out(connect: Callable[..., api.Connection], uri: str, root: Path) -> None:
    connection = connect()
    argv = [sys.executable, "-c", HOLD, str(root / "e/run/qemu/driver.pid")]
    # While we are here it cannot come.
    assert subprocess.run(argv, input="\n", capture_output=True, text=True, timeout=30).returncode == 1
    connection.close()
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "1\n"
        assert code(lambda: api.open(uri)) == RESOURCE_BUSY
        other.communicate("\n")
    connect().close()


def test_whoever_waits_too_long_is_told(conn: api.Connection, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = conn.domain_define_xml_flags(named("one"), 0)
    monkeypatch.setattr(store, "PATIENCE", 0.1)
    with (root / "e/run/qemu" / f"{ref.uuid.hex()}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert code(lambda: conn.domain_undefine_flags(ref, 0)) == OPERATION_TIMEOUT
        assert len(conn.connect_list_all_domains(0)) == 1  # nobody waits to look
    conn.domain_undefine_flags(ref, 0)


def test_whoever_only_looks_makes_nothing(root: Path) -> None:
    own = f"qemu:///embed?root={root}/own"
    run = vsh("-r", "-c", own, "list --all; pool-list --all; secret-list; version; capabilities; dominfo one")
    assert run.stderr == "error: failed to get domain 'one'\n"
    assert "Using library:" in run.stdout and "<guest>" in run.stdout
    assert not (root / "own").exists()


def test_what_killed_writers_left_goes(conn: api.Connection, guests: Guests, root: Path) -> None:
    folders = root / "e/run/qemu", root / "e/lib/qemu/plan"
    folders[1].mkdir(exist_ok=True)
    for folder in folders:
        for name, when in ((".tmp-1-2-3", 1), (".tmp-4-5-6", None)):
            (folder / name).write_text("")
            os.utime(folder / name, (when, when) if when else None)
    conn.domain_destroy(conn.domain_create_xml(guests.boot_sector("one"), 0))
    assert [[path.name for path in folder.glob(".tmp-*")] for folder in folders] == [[".tmp-4-5-6"]] * 2


def test_a_folder_that_cannot_be_used(root: Path) -> None:
    (root / "own").write_text("a file")
    assert code(lambda: api.open(f"qemu:///embed?root={root}/own")) == SYSTEM_ERROR


FULL = """
import sys
from vsh.backends import api
from vsh.backends.errors import VirtError
import resource
conn = api.open(sys.argv[1])
conn.domain_define_xml_flags(sys.argv[2], 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    conn.domain_define_xml_flags(sys.argv[2].replace('<vcpu>2<', '<vcpu>9<'), 0)
except VirtError as error:
    print(error)
"""


def test_a_full_disk_keeps_the_old_definition(conn: api.Connection, uri: str, root: Path) -> None:
    argv = [sys.executable, "-c", FULL, uri, named("one")]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert "File too large" in run.stdout, run.stderr
    assert conn.domain_get_vcpus_flags(conn.domain_lookup_by_name("one"), 0) == 2
    assert not list((root / "e").rglob(".tmp-*"))


@pytest.mark.parametrize("rows", [[["a", "b\tc", "d\\", ""], ["x\\ny", "\r\n", "\\\\t", "ü\udc80"]], []])
def test_lines(rows: list[list[str]]) -> None:
    assert lines.load(lines.dump(rows)) == rows
