"""Guests on another machine without a daemon there: what is done over SSH is as if it had been done on that machine."""

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.need import need
from tests.live.side import Side
from tests.live.sshd import SPARED, Sshd, bare
from tests.live.wait import wait_until
from vsh.backends import api, registry
from vsh.backends.constants import domain as const
from vsh.backends.driver import Driver
from vsh.backends.errors import INVALID_ARG, NO_DOMAIN, OPERATION_INVALID, SYSTEM_ERROR, VirtError
from vsh.backends.hosts.shell import Shell
from vsh.backends.qemu import QemuDriver
from vsh.backends.uri import Uri

RUNNING, SHUTOFF = const.DOMAIN_RUNNING, const.DOMAIN_SHUTOFF


@pytest.fixture
def far_uri(root: Path, sshd: Sshd) -> str:
    return f"qemu+ssh://root@127.0.0.1:{sshd.port}/embed?root={root}/e&{sshd.query()}"


@pytest.fixture
def far(connect: Callable[..., api.Connection], far_uri: str) -> api.Connection:
    return connect(to=far_uri)


def code(call: Callable[[], object]) -> int:
    with pytest.raises(VirtError) as caught:
        call()
    return caught.value.code


def test_a_life_as_seen_from_both_sides(far: api.Connection, conn: api.Connection, guests: Guests) -> None:
    ref = far.domain_define_xml_flags(guests.boot_sector("sector"), 0)
    assert [r.name for r in conn.connect_list_all_domains(0)] == ["sector"]
    far.domain_set_autostart(ref, 1)
    assert conn.domain_get_autostart(ref) == 1
    far.domain_set_autostart(ref, 0)
    ref = far.domain_create_with_flags(ref, 0)
    for connection in (far, conn):
        assert tuple(connection.domain_get_state(ref, 0)) == (RUNNING, const.DOMAIN_RUNNING_BOOTED)
        assert [r.id for r in connection.connect_list_all_domains(1)] == [ref.id]
    assert far.domain_get_xml_desc(ref, 0) == conn.domain_get_xml_desc(ref, 0)
    conn.domain_suspend(ref)
    assert far.domain_get_state(ref, 0).state == const.DOMAIN_PAUSED
    far.domain_resume(ref)
    assert conn.domain_get_state(ref, 0).state == RUNNING
    assert far.domain_get_info(ref).cpu_time > 0
    assert code(lambda: far.domain_create_with_flags(ref, 0)) == OPERATION_INVALID
    far.domain_destroy_flags(ref, 0)
    assert tuple(conn.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_DESTROYED)
    conn.domain_create_with_flags(ref, 0)
    far.domain_destroy_flags(ref, 0)
    far.domain_undefine_flags(ref, 0)
    assert code(lambda: conn.domain_lookup_by_name("sector")) == NO_DOMAIN
    assert far.connect_list_all_domains(0) == []


def test_round_trips_are_few_however_many_guests_there_are(
    far: api.Connection, guests: Guests, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    send, answer = Shell._send, Shell._answer
    monkeypatch.setattr(Shell, "_send", lambda *args: (done.append("said"), send(*args))[1])
    monkeypatch.setattr(Shell, "_answer", lambda *args: (done.append("heard"), answer(*args))[1])

    def turns(ask: Callable[[], object]) -> int:
        done.clear()
        ask()
        return sum(pair == ("said", "heard") for pair in pairwise(done))

    def about(*names: str) -> list[int]:
        """Looked up together, then asked."""
        refs = far.batch([("domain_lookup_by_name", (name,)) for name in names])
        calls = ("domain_has_managed_save_image", "domain_get_autostart", "domain_get_state")
        answers = far.batch([(call, (ref,)) for ref in refs for call in calls])
        assert not [answer for answer in answers if isinstance(answer, VirtError)]
        return answers[1::3]

    names = [f"guest{number}" for number in range(5)]
    for name in names:
        far.domain_define_xml_flags(guests.boot_sector(name), 0)
    assert turns(lambda: about("guest0")) == 2
    far.domain_set_autostart(far.domain_lookup_by_name("guest3"), 1)
    assert about("guest3", "guest4") == [1, 0]
    calls = [("domain_has_managed_save_image", (ref,)) for ref in far.connect_list_all_domains(0)]
    assert turns(lambda: far.batch(calls)) <= 2


def test_command_lines(side: Side, guests: Guests, far_uri: str, uri: str, tmp_path: Path) -> None:
    """Each is a process of its own."""
    path = tmp_path / "talker.xml"
    path.write_text(guests.boot_sector("talker"))

    def done(*argv: str, to: str = far_uri) -> str:
        run = side.vsh("-c", to, *argv)
        assert run.status == 0, run.stderr
        return run.stdout

    assert "Domain 'talker' defined" in done("define", str(path))
    assert "Domain 'talker' started" in done("start", "talker")
    with side.terminal("vsh", "-c", far_uri, "console", "talker") as terminal:
        terminal.expect("Escape character")
        terminal.send("are you there?")
        terminal.expect("are you there?")
        assert side.vsh("-c", uri, "console", "talker").status == 1
        terminal.send("\x1d")
        assert terminal.finish()[1] == 0
    # Whoever leaves a console has left it by then.
    with side.terminal("vsh", "-c", uri, "console", "talker") as terminal:
        terminal.expect("Escape character")
        terminal.send("again")
        terminal.expect("again")
    assert done("domstate", "talker") == done("domstate", "talker", to=uri) == "running\n\n"
    assert done("list", "--all") == done("list", "--all", to=uri)
    assert "saved to" in done("save", "talker", str(tmp_path / "image"))
    assert done("restore", str(tmp_path / "image"), to=uri).startswith("Domain restored")
    assert "destroyed" in done("destroy", "talker")
    assert "undefined" in done("undefine", "talker")
    assert done("list", "--all", "--name") == "\n"


DISKS = """
<domain type='qemu'><name>full</name><memory>16384</memory><features><acpi/></features>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><serial type='pty'/><disk type='file'>
<driver name='qemu' type='qcow2'/><source file='{}/v.qcow2'/><target dev='vda' bus='virtio'/></disk></devices></domain>
"""


def test_images_disks_and_snapshots_there(side: Side, new_sshd: Callable[..., Sshd], root: Path) -> None:
    """All through SSH alone, to a machine with little more than QEMU."""
    need("qemu-img")
    sshd, pool, data = new_sshd(prefix=bare()), root / "pool", root / "data"
    uri = f"qemu+ssh://root@127.0.0.1:{sshd.port}/embed?root={root}/e&{sshd.query()}"
    pool.mkdir(mode=0o755)
    data.write_bytes(os.urandom(3 << 20))
    (root / "full.xml").write_text(DISKS.format(pool))

    def done(line: str) -> str:
        run = side.vsh("-q", "-c", uri, line)
        assert (run.status, run.stderr) == (0, ""), run
        return run.stdout

    done(
        f"pool-define-as p dir --target {pool}; pool-start p; vol-create-as p v.qcow2 8M --format qcow2; "
        f"vol-create-as p w.raw 3M --format raw; vol-upload w.raw {data} --pool p; "
        f"vol-download w.raw {root}/back --pool p"
    )
    assert (root / "back").read_bytes() == data.read_bytes() == (pool / "w.raw").read_bytes()
    for image in pool.iterdir():
        image.chmod(0o666)
    said = done(f"define {root}/full.xml; start full; snapshot-create-as full one; snapshot-list full --name")
    assert said == "one\n"
    assert "running" in done("snapshot-revert full one; domstate full; snapshot-delete full one")
    over = f"snapshot-create-as full two --disk-only --diskspec vda,file={pool}/over; domblklist full"
    assert f"{pool}/over" in done(over)
    assert f"{pool}/v.qcow2" in done("blockcommit full vda --active --pivot --wait; domblklist full")
    attach = f"attach-disk full {pool}/w.raw vdb --targetbus virtio; domblklist full"
    said = done(f"{attach}; qemu-monitor-command full --hmp 'info status'")
    assert f" vdb   {pool}/w.raw" in said and "status: running" in said
    done("destroy full; undefine full --snapshots-metadata")


@pytest.mark.parametrize("missing", [[], ["python3"]], ids=["python3", "perl"])
def test_saved_and_dumped_there(
    connect: Callable[..., api.Connection],
    new_sshd: Callable[..., Sshd],
    root: Path,
    guests: Guests,
    missing: list[str],
) -> None:
    sshd = new_sshd(prefix=bare(without=missing))
    far = connect(to=f"qemu+ssh://root@127.0.0.1:{sshd.port}/embed?root={root}/e&{sshd.query()}")
    ref = far.domain_create_with_flags(far.domain_define_xml_flags(guests.boot_sector("kept"), 0), 0)
    image, dump = root / "image", root / "dump"
    far.domain_core_dump_with_format(ref, str(dump), 0, const.DUMP_MEMORY_ONLY)
    assert dump.read_bytes().startswith(b"\x7fELF") and far.domain_get_state(ref, 0).state == RUNNING
    dump.unlink()
    with pytest.raises(VirtError, match="/nosuch"):
        far.domain_save_flags(ref, "/nosuch/image", None, 0)
    assert far.domain_get_state(ref, 0).state == RUNNING
    far.domain_save_flags(ref, str(image), None, 0)
    assert tuple(far.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_SAVED)
    assert image.read_bytes().startswith(b"LibvirtQemudSave") and image.stat().st_mode & 0o777 == 0o600
    far.domain_restore_flags(str(image), None, 0)
    assert tuple(far.domain_get_state(ref, 0)) == (RUNNING, const.DOMAIN_RUNNING_RESTORED)
    far.domain_managed_save(ref, 0)
    assert far.domain_has_managed_save_image(ref, 0) == 1
    far.domain_create_with_flags(ref, 0)
    assert far.domain_get_state(ref, 0).reason == const.DOMAIN_RUNNING_RESTORED
    far.domain_destroy_flags(ref, 0)


def test_events_from_there(far: api.Connection, conn: api.Connection, guests: Guests) -> None:
    ref = conn.domain_define_xml_flags(guests.boot_sector("told"), 0)
    told: list[int] = []
    far.subscribe("domain_event_lifecycle", None, lambda event: told.append(event.event))
    conn.domain_create_with_flags(ref, 0)
    wait_until(lambda: const.DOMAIN_EVENT_STARTED in told)
    conn.domain_destroy_flags(ref, 0)
    wait_until(lambda: const.DOMAIN_EVENT_STOPPED in told)


def test_what_cannot_be_started_says_why(far: api.Connection, guests: Guests) -> None:
    ref = far.domain_define_xml_flags(guests.boot_sector("broken"), 0)
    xml = far.domain_get_xml_desc(ref, 0).replace("<serial", "<disk type='file'><source file='/nosuch'/>"
        "<target dev='vda' bus='virtio'/></disk><serial", 1)  # fmt: skip
    far.domain_define_xml_flags(xml, 0)
    with pytest.raises(VirtError, match="nosuch"):
        far.domain_create_with_flags(ref, 0)
    assert tuple(far.domain_get_state(ref, 0)) == (SHUTOFF, const.DOMAIN_SHUTOFF_FAILED)


@pytest.fixture
def home(new_sshd: Callable[..., Sshd], root: Path) -> Iterator[tuple[Sshd, Path]]:
    """A server at which we have a home and a folder for data of our own."""
    environment = f"HOME={root}/h XDG_DATA_HOME={root}/d XDG_RUNTIME_DIR={root}/r"
    yield new_sshd(settings={"SetEnv": environment}), root


def test_the_folders_are_those_of_the_far_user(
    connect: Callable[..., api.Connection], home: tuple[Sshd, Path], guests: Guests
) -> None:
    sshd, root = home
    there = connect(to=f"qemu+ssh://root@127.0.0.1:{sshd.port}/session?mode=direct&{sshd.query()}")
    there.domain_define_xml_flags(guests.boot_sector("mine"), 0)
    assert (root / "h/.config/vsh/qemu/mine.xml").exists()
    assert (root / "d/vsh/qemu/format").exists() and (root / "r/vsh/qemu/driver.pid").exists()
    (root / "h/.config/vsh/qemu.conf").write_text('user = "nosuch"\n')
    there.close()
    there = connect(to=there.uri.text)
    with pytest.raises(VirtError, match="there is no user 'nosuch'"):
        there.domain_create_with_flags(there.domain_lookup_by_name("mine"), 0)


def test_a_host_without_libvirt(
    connect: Callable[..., api.Connection], new_sshd: Callable[..., Sshd], root: Path, guests: Guests
) -> None:
    """No libvirt, no nc, no python: found out without being told to do without."""
    sshd = new_sshd(prefix=bare(others={"/var/lib/vsh": root}))
    there = connect(to=f"qemu+ssh://root@127.0.0.1:{sshd.port}/system?{sshd.query()}")
    assert there.session.driver.uri.path == "/system" and there.connect_get_type() == "QEMU"
    ref = there.domain_create_xml(guests.boot_sector("alone"), 0)
    assert (root / "etc/qemu").is_dir() and there.domain_get_state(ref, 0).state == RUNNING
    there.domain_destroy_flags(ref, 0)
    assert sshd.log().count("Accepted publickey") == 1
    with pytest.raises(VirtError, match="/nosuch"):
        connect(to=f"qemu+ssh://root@127.0.0.1:{sshd.port}/system?{sshd.query(socket='/nosuch')}")
    blank = new_sshd(prefix=bare(without=[*SPARED, *map(str, Path("/usr/bin").glob("qemu-system-*"))]))
    with pytest.raises(VirtError, match="libvirt-sock': No such file or directory"):
        connect(to=f"qemu+ssh://root@127.0.0.1:{blank.port}/system?{blank.query()}")


def test_what_leads_nowhere(far_uri: str, sshd: Sshd, root: Path) -> None:
    host = f"qemu+ssh://root@127.0.0.1:{sshd.port}"
    for text in (f"{host}/embed?{sshd.query()}", f"{host}/other?mode=direct&{sshd.query()}", f"{far_uri}&socket=/x"):
        assert code(lambda text=text: api.open(text)) == INVALID_ARG  # type: ignore[misc]
    (root / "file").touch()
    assert code(lambda: api.open(far_uri.replace(f"{root}/e", f"{root}/file"))) == SYSTEM_ERROR
    assert code(lambda: api.open(f"qemu+ssh://root@127.0.0.1:1/embed?root={root}/e&{sshd.query()}")) == SYSTEM_ERROR
    assert not [driver for kind, _ in Driver._shared if (driver := kind) is QemuDriver]
    assert os.listdir(root) == ["file"]


def test_who_answers() -> None:
    def driver(text: str) -> str:
        return registry.driver_class(Uri(text)).__name__

    for direct in ("/embed?root=/x", "/system?mode=direct", "/session?mode=direct"):
        assert driver(f"qemu+ssh://host{direct}") == driver(f"qemu+libssh2://u@host:22{direct}") == "QemuDriver"
        assert driver(f"qemu+tcp://host{direct}") == driver(f"qemu://host{direct}") == "LibvirtDriver"
    for plain in ("qemu+ssh://host/system", "qemu+ssh://host/session", "qemu+ssh:///system?mode=direct"):
        assert driver(plain) == "LibvirtDriver"


def test_machines_are_told_apart() -> None:
    texts = [f"qemu+ssh://{place}/embed?root=/x" for place in ("a", "b", "u@a", "v@a", "a:22", "a:23")]
    texts += ["qemu:///embed?root=/x", "qemu+ssh://a/embed?root=/y", "qemu+ssh://a/embed?root=/x&keyfile=k"]
    assert len({QemuDriver.key(Uri(text)) for text in texts}) == len(texts)
