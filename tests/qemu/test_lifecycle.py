"""Guests that run: started, stopped, watched, by one process or another, as root and as nobody."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.guest import BOOT_SECTOR_LINE, Guests
from tests.live.initramfs import LINUX_LINE, LINUX_PROMPT
from tests.live.libvirtd import Libvirtd
from tests.live.nursery import unprivileged
from tests.live.side import Side, compare
from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import INTERNAL_ERROR, NO_DOMAIN, OPERATION_FAILED, OPERATION_INVALID, VirtError
from vsh.backends.qemu.store import Running
from vsh.backends.records import DomainRef

RUNNING, PAUSED, SHUTOFF = const.DOMAIN_RUNNING, const.DOMAIN_PAUSED, const.DOMAIN_SHUTOFF


@pytest.fixture
def sector(conn: api.Connection, guests: Guests) -> DomainRef:
    return conn.domain_define_xml_flags(guests.boot_sector("sector"), 0)


def code(call: Callable[[], object]) -> int:
    with pytest.raises(VirtError) as caught:
        call()
    return caught.value.code


def process_of(root: Path, ref: DomainRef) -> Running:
    return Running.load((root / "e/run/qemu" / f"{ref.uuid.hex()}.state").read_bytes())


def left_behind(root: Path) -> list[str]:
    """Files of runs that are over."""
    places = [root / "e/lib/qemu", root / "e/run/qemu"]
    kept = {"format", "index", "channel", "target", "driver.pid", "domains.lock", "next-id", "events", "ram"}
    kept.add("autostarted")
    names = [path.name for place in places for path in place.rglob("*") if path.name not in kept]
    return [name for name in names if not name.endswith((".state", ".lock", ".journal.out"))]


def run_files(root: Path, ref: DomainRef) -> list[str]:
    """What is in run/ of a domain, its journals aside."""
    names = [path.name for path in (root / "e/run/qemu").iterdir()]
    return [name for name in names if ref.uuid.hex() in name and not name.endswith(".journal.out")]


def test_a_life(conn: api.Connection, sector: DomainRef, root: Path) -> None:
    ref = conn.domain_create_with_flags(sector, 0)
    assert ref.id == 1
    assert tuple(conn.domain_get_state(ref, 0)) == (RUNNING, const.DOMAIN_RUNNING_BOOTED)
    assert code(lambda: conn.domain_create_with_flags(ref, 0)) == OPERATION_INVALID
    conn.domain_suspend(ref)
    conn.domain_suspend(ref)
    assert tuple(conn.domain_get_state(ref, 0)) == (PAUSED, const.DOMAIN_PAUSED_USER)
    conn.domain_resume(ref)
    assert tuple(conn.domain_get_state(ref, 0)) == (RUNNING, const.DOMAIN_RUNNING_UNPAUSED)
    assert code(lambda: conn.domain_resume(ref)) == OPERATION_INVALID
    conn.domain_reset(ref, 0)
    assert conn.domain_get_info(ref).cpu_time > 0
    assert [r.id for r in conn.connect_list_all_domains(1)] == [1]
    conn.domain_destroy_flags(ref, 0)
    assert tuple(conn.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_DESTROYED)
    assert code(lambda: conn.domain_destroy_flags(ref, 0)) == OPERATION_INVALID
    assert not left_behind(root)
    assert conn.domain_create_with_flags(sector, const.DOMAIN_START_PAUSED).id == 2
    assert conn.domain_get_state(ref, 0).state == PAUSED
    conn.domain_destroy_flags(ref, const.DOMAIN_DESTROY_GRACEFUL)
    conn.domain_undefine_flags(ref, 0)
    assert run_files(root, ref) == []


def test_journals_are_kept_for_a_while(conn: api.Connection, sector: DomainRef, root: Path) -> None:
    for _ in range(2):
        conn.domain_create_with_flags(sector, 0)
        conn.domain_destroy_flags(sector, 0)
    journals = sorted((root / "e/run/qemu").glob("*.journal.out"))
    assert len(journals) == 2
    os.utime(journals[0], (1, 1))
    conn.domain_create_with_flags(sector, 0)
    os.utime(root / "e/run/qemu" / f"{sector.uuid.hex()}.3.journal.out", (1, 1))
    conn.domain_destroy_flags(sector, 0)
    assert not journals[0].exists()
    assert journals[1].exists()


def test_transient_guests(conn: api.Connection, guests: Guests, root: Path) -> None:
    ref = conn.domain_create_xml(guests.boot_sector("passing"), 0)
    assert (conn.domain_is_persistent(ref), conn.domain_is_active(ref)) == (0, 1)
    assert code(lambda: conn.domain_create_xml(guests.boot_sector("passing"), 0)) == OPERATION_FAILED
    same = conn.domain_get_xml_desc(ref, 0)
    assert code(lambda: conn.domain_create_xml(same, 0)) == OPERATION_INVALID
    assert code(lambda: conn.domain_undefine_flags(ref, 0)) == OPERATION_INVALID
    # Defined while it runs, it stays; undefined again, it goes when it stops.
    conn.domain_define_xml_flags(same.replace("<vcpu placement='static'>1<", "<vcpu>2<"), 0)
    assert conn.domain_is_persistent(ref) == 1
    assert [conn.domain_get_vcpus_flags(ref, flag) for flag in (1, 2)] == [1, 2]
    assert ">1</vcpu>" in conn.domain_get_xml_desc(ref, 0)
    assert ">2</vcpu>" in conn.domain_get_xml_desc(ref, const.DOMAIN_XML_INACTIVE)
    conn.domain_undefine_flags(ref, 0)
    conn.domain_destroy_flags(ref, 0)
    assert code(lambda: conn.domain_get_state(ref, 0)) == NO_DOMAIN
    assert conn.connect_list_all_domains(0) == []
    assert run_files(root, ref) == []


def test_the_live_definition_tells_what_runs(conn: api.Connection, guests: Guests) -> None:
    devices = (
        "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        "<graphics type='vnc' port='-1' passwd='pa55word'/>"
    )
    xml = guests.boot_sector("shown").replace("<memballoon model='none'/>", devices)
    ref = conn.domain_create_xml(xml, 0)
    shown = conn.domain_get_xml_desc(ref, 0)
    assert re.search(r"<domain type='qemu' id='\d+'>", shown)
    pty = re.search(r"<serial type='pty'>\s*<source path='(/dev/pts/\d+)'/>.*?<alias name='serial0'/>", shown, re.S)
    assert pty
    assert f"<console type='pty' tty='{pty[1]}'>" in shown
    port = re.search(r"<graphics type='vnc' port='(\d+)' autoport='yes' listen='127.0.0.1'>", shown)
    assert port
    assert int(port[1]) >= 5900
    channel = re.search(r"<source mode='bind' path='(\S+/org.qemu.guest_agent.0)'/>", shown)
    assert channel
    assert Path(channel[1]).is_socket()
    assert "pa55word" not in shown
    assert "passwd='pa55word'" in conn.domain_get_xml_desc(ref, const.DOMAIN_XML_SECURE)
    inactive = conn.domain_get_xml_desc(ref, const.DOMAIN_XML_INACTIVE)
    assert "port='-1'" in inactive and "/dev/pts" not in inactive and "<alias" not in inactive


def test_no_secret_and_no_root(conn: api.Connection, guests: Guests, root: Path) -> None:
    xml = guests.boot_sector("private").replace(
        "<memballoon model='none'/>", "<graphics type='vnc' port='-1' passwd='pa55word'/>"
    )
    ref = conn.domain_create_xml(xml, 0)
    process = process_of(root, ref).process
    assert process is not None
    argv = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
    assert "pa55word" not in " ".join(argv)
    assert "-sandbox" in argv
    assert Path(f"/proc/{process.pid}").stat().st_uid != 0
    assert b"VSH" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert Path(f"/proc/{process.pid}/status").read_text().partition("Seccomp:\t")[2][0] == "2"
    for path in (root / "e").rglob("*"):
        mode = path.lstat().st_mode & 0o777
        assert path.is_symlink() or mode & (0o066 if path.is_dir() else 0o077) == 0 or path.is_socket(), path
    (folder,) = (root / "e/lib/qemu").glob("domain-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in (root / "e").rglob("*"):
        if path.is_file() and not path.name.endswith(".xml"):
            assert b"pa55word" not in path.read_bytes(), path


def test_qemu_that_does_not_start_says_why(conn: api.Connection, guests: Guests, root: Path) -> None:
    missing = re.sub("file='[^']*'", "file='/nowhere/disk.img'", guests.boot_sector("bad"))
    ref = conn.domain_define_xml_flags(missing, 0)
    with pytest.raises(VirtError) as caught:
        conn.domain_create_with_flags(ref, 0)
    assert caught.value.code == INTERNAL_ERROR
    assert "process exited while connecting to monitor: " in str(caught.value)
    assert "/nowhere/disk.img" in str(caught.value) and "No such file or directory" in str(caught.value)
    assert tuple(conn.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_FAILED)
    assert not left_behind(root)
    assert code(lambda: conn.domain_create_xml(missing.replace(">bad<", ">worse<"), 0)) == INTERNAL_ERROR
    assert [r.name for r in conn.connect_list_all_domains(0)] == ["bad"]


def test_actions_that_need_a_watcher(conn: api.Connection, guests: Guests) -> None:
    xml = guests.boot_sector("picky").replace("<devices>", "<on_crash>restart</on_crash><devices>")
    ref = conn.domain_define_xml_flags(xml, 0)
    with pytest.raises(VirtError) as caught:
        conn.domain_create_with_flags(ref, 0)
    assert "<on_crash>restart</on_crash> takes a process that watches" in str(caught.value)
    assert "use destroy or preserve" in caught.value.hint
    assert conn.domain_get_state(ref, 0).reason == 0


def test_the_end_is_noticed_and_its_reason_known(
    conn: api.Connection, connect: Callable[..., api.Connection], sector: DomainRef, root: Path
) -> None:
    ref = conn.domain_create_with_flags(sector, 0)
    process = process_of(root, ref).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    reader = connect(readonly=True)
    wait_until(lambda: reader.domain_get_state(ref, 0).state == SHUTOFF)
    assert reader.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_CRASHED
    assert left_behind(root)  # who only reads does not clean up
    assert [r.id for r in conn.connect_list_all_domains(0)] == [-1]
    assert not left_behind(root)
    assert reader.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_CRASHED


def test_two_embedded_drivers_do_not_clash(
    connect: Callable[..., api.Connection], guests: Guests, root: Path
) -> None:
    """The same name and id, one folder for memory outside of both roots; neither is disturbed by the other's end."""
    shared = root / "memory"
    shared.mkdir()
    shared.chmod(0o777)
    xml = guests.boot_sector("twin").replace(
        "<devices>", "<memoryBacking><source type='file'/></memoryBacking><devices>"
    )
    refs, connections = [], []
    for name in ("a", "ab"):
        (root / name / "etc").mkdir(parents=True)
        (root / name).chmod(0o711)
        (root / name / "etc/qemu.conf").write_text(f'memory_backing_dir = "{shared}"\n')
        connections.append(connect(to=f"qemu:///embed?root={root}/{name}"))
        refs.append(connections[-1].domain_create_xml(xml, 0))
    assert [ref.id for ref in refs] == [1, 1]
    files = sorted(path.relative_to(shared).as_posix() for path in shared.rglob("pc.ram"))
    assert len(files) == 2
    assert all(re.fullmatch(r"libvirt/qemu/qemu-embed-[0-9a-f]{8}-1-twin/pc.ram", file) for file in files)
    connections[0].domain_destroy_flags(refs[0], 0)
    assert len(list(shared.rglob("pc.ram"))) == 1
    assert connections[1].domain_get_state(refs[1], 0).state == RUNNING
    connections[1].domain_reset(refs[1], 0)
    connections[1].domain_destroy_flags(refs[1], 0)
    assert not list(shared.rglob("*twin*"))


class Events:
    """What `event --all --loop` in a process of its own shows."""

    def __init__(self, uri: str):
        argv = [sys.executable, "-m", "vsh", "--format=json", "-c", uri, "event", "--all", "--loop", "--timeout", "60"]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def until(self, *last: object) -> list[tuple[Any, ...]]:
        """(event, detail) of lifecycle events up to `last`."""
        found: list[tuple[Any, ...]] = []
        assert self.process.stdout is not None
        while not found or found[-1] != last:
            line = self.process.stdout.readline()
            assert line, found
            result = json.loads(line)["result"]
            if result.get("event") == "lifecycle":
                found.append((result["type"], result["detail"]))
        return found


@pytest.fixture
def events(conn: api.Connection, uri: str) -> Iterator[list[Events]]:
    readers = [Events(uri), Events(uri)]
    time.sleep(1.5)
    yield readers
    for reader in readers:
        reader.process.kill()
        reader.process.communicate()


def test_any_number_of_readers_see_events(events: list[Events], conn: api.Connection, guests: Guests, uri: str) -> None:
    ref = conn.domain_define_xml_flags(guests.boot_sector("seen"), 0)
    conn.domain_create_with_flags(ref, 0)
    for words in (["suspend", "seen"], ["resume", "seen"], ["destroy", "seen"], ["undefine", "seen"]):
        argv = [sys.executable, "-m", "vsh", "-q", "-c", uri, *words]
        assert subprocess.run(argv, timeout=60).returncode == 0
        time.sleep(0.3)
    for reader in events:
        assert reader.until("undefined", "removed") == [
            ("defined", "added"),
            ("resumed", "unpaused"),
            ("started", "booted"),
            ("suspended", "paused"),
            ("resumed", "unpaused"),
            ("stopped", "destroyed"),
            ("undefined", "removed"),
        ]


def test_console(side: Side, guests: Guests, uri: str, conn: api.Connection) -> None:
    conn.domain_define_xml_flags(guests.boot_sector("talker"), 0)
    with side.terminal("vsh", "-c", uri, "start", "--console", "talker") as terminal:
        terminal.expect(BOOT_SECTOR_LINE)
        terminal.send("are you there?")
        terminal.expect("are you there?")
        busy = side.vsh("-c", uri, "console", "talker")
        assert busy.status == 1
        with side.terminal("vsh", "-c", uri, "console", "talker") as second:
            shown, status = second.finish()
            assert "Active console session exists for this domain" in shown and status == 1
        terminal.send("\x1d")
        assert terminal.finish()[1] == 0
    with side.terminal("vsh", "-c", uri, "console", "talker", "serial0") as terminal:
        terminal.expect("Escape character")
        terminal.send("again")
        terminal.expect("again")
    assert "cannot find character device nope" in _console_error(side, uri, "nope")


def _console_error(side: Side, uri: str, device: str) -> str:
    with side.terminal("vsh", "-c", uri, "console", "talker", device) as terminal:
        return terminal.finish()[0]


def test_a_linux_guest_powers_off(side: Side, guests: Guests, uri: str, conn: api.Connection) -> None:
    ref = conn.domain_define_xml_flags(guests.linux("tiny"), 0)
    with side.terminal("vsh", "-c", uri, "start", "--console", "tiny") as terminal:
        terminal.expect(LINUX_LINE, 60)
        terminal.expect(LINUX_PROMPT, 60)
        terminal.send("echo $((6 * 7))\r")
        terminal.expect("\n42\r\n")
        terminal.send("exit\r")
        assert terminal.finish(60)[1] == 0
    wait_until(lambda: conn.domain_get_state(ref, 0).state == SHUTOFF)
    assert conn.domain_get_state(ref, 0).reason == const.DOMAIN_SHUTOFF_SHUTDOWN


#: What scripts do, and their mistakes: virsh on libvirtd and vsh without it say the same.
SCRIPTS = (
    "start same; domstate same; list --name; suspend same; domstate same --reason; list --all --name --id",
    "suspend same; resume same; domstate same --reason; resume same; start same",
    "undefine same; domstate same; dominfo same; define {xml}; destroy same; domstate same; destroy same; suspend same",
    "resume same; console same; list --all --name; list --state-running --name",
    "start same --paused; domstate same; resume same; list --state-paused --name; destroy same --graceful",
    "domstate nope; start nope; undefine nope; start same; undefine same; list --transient --name; destroy same",
    "create {xml}; create {xml}; dominfo same; autostart same; reset same; shutdown same --mode acpi; destroy same",
    "define {xml}; autostart same; dominfo same; list --autostart --name; autostart same --disable; start same",
    "managedsave same; domstate same --reason; list --all --managed-save; undefine same; start same",
    "domstate same --reason; save same {saved}; restore {saved}; domstate same --reason; destroy same",
    "start same; setmem same 4M; setmem same 64M; desc same --title New; desc same --title; destroy same",
    "attach-disk same {xml} vda --config; domblklist same; detach-disk same vda --config; domblklist same",
    "detach-disk same vdz --config",
    "dominfo same; define {xml}; dominfo same; dumpxml same; undefine same; undefine same; list --all --name",
)


def test_side_by_side_with_libvirtd(
    libvirtd: Libvirtd, side: Side, guests: Guests, uri: str, root: Path, tmp_path: Path
) -> None:
    xml = tmp_path / "same.xml"
    text = guests.boot_sector("same").replace("<memory", "<uuid>6695eb01-f6a4-8304-79aa-97f2502e7777</uuid><memory")
    xml.write_text(text)
    answers = []
    for program, address in ((side.virsh, libvirtd.uri("qemu")), (side.vsh, uri)):
        program("-c", address, f"define {xml}")
        lines = [script.format(xml=xml, saved=libvirtd.directory / "same.save") for script in SCRIPTS]
        answers.append([program("-c", address, line) for line in lines])
    for script, theirs, ours in zip(SCRIPTS, *answers, strict=True):
        plain = [run._replace(stdout=_normal(run.stdout), stderr=_normal(run.stderr)) for run in (theirs, ours)]
        assert not compare(plain[0], plain[1], ["cpu-time"]), script


def _normal(text: str) -> str:
    """Without ids, which libvirtd counts for all tests."""
    text = re.sub(r"(?m)^(Id: +)\d+$", r"\1ID", text)
    text = re.sub(r"(?m)^(Security (model|DOI): .*\n)", "", text)
    return re.sub(r"(?m)^\d+( same)?$", r"ID\1", text)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_as_nobody(side_nobody: Side, guests: Guests, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = Path(side_nobody.env["HOME"])
    xml = home / "n.xml"
    xml.write_text(guests.boot_sector("nobodys"))
    xml.chmod(0o644)
    uri = "qemu:///session?mode=direct"
    script = f"define {xml}; start nobodys; domstate nobodys; destroy nobodys; undefine nobodys; list --all --name"
    run = side_nobody.vsh("-q", "-c", uri, script)
    assert (run.stdout.split(), run.stderr, run.status) == (["running"], "", 0)
    refused = side_nobody.vsh("-c", "qemu:///system?mode=direct", "list")
    assert refused.status == 1
    assert "needs root" in refused.stderr
    assert unprivileged()[0] == "setpriv"


def test_guests_start_with_the_machine_once(
    conn: api.Connection, connect: Callable[..., api.Connection], guests: Guests, root: Path
) -> None:
    good = conn.domain_define_xml_flags(guests.boot_sector("early"), 0)
    bad = conn.domain_define_xml_flags(re.sub("file='[^']*'", "file='/nowhere'", guests.boot_sector("broken")), 0)
    for ref in (good, bad):
        conn.domain_set_autostart(ref, 1)
    connect()
    assert conn.domain_is_active(good) == 0  # this machine has started before
    marker = root / "e/run/qemu/autostarted"
    marker.write_text("another boot")
    connect(readonly=True)
    assert conn.domain_is_active(good) == 0  # who only looks starts nothing
    connect()
    assert [conn.domain_is_active(ref) for ref in (good, bad)] == [1, 0]
    assert "Failed to autostart domain 'broken'" in (root / "e/log/qemu/autostart.log").read_text()
    conn.domain_destroy_flags(good, 0)
    connect()
    assert conn.domain_is_active(good) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, whose guests run as others")
def test_a_file_that_the_guests_user_may_not_read(conn: api.Connection, guests: Guests, root: Path) -> None:
    image = root / "private.img"
    image.write_bytes(bytes(512))
    image.chmod(0o600)
    with pytest.raises(VirtError) as caught:
        conn.domain_create_xml(re.sub("file='[^']*'", f"file='{image}'", guests.boot_sector("denied")), 0)
    assert "Permission denied" in str(caught.value)
    assert "set another user in qemu.conf" in caught.value.hint
    conn.close()
    (root / "e/etc/qemu.conf").write_text('user = "+0"\ngroup = "+0"\n')
    rooted = api.open(f"qemu:///embed?root={root}/e")
    try:
        ref = rooted.domain_create_xml(re.sub("file='[^']*'", f"file='{image}'", guests.boot_sector("denied")), 0)
        process = process_of(root, ref).process
        assert process is not None
        assert Path(f"/proc/{process.pid}").stat().st_uid == 0
        rooted.domain_destroy_flags(ref, 0)
    finally:
        rooted.close()
