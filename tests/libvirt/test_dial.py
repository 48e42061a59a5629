"""From a URI to a daemon: where it is looked for, what it is told, and what is said when that fails."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.libvirt.fake import FakeDaemon, hostname, silent
from tests.live.libvirtd import Libvirtd
from tests.live.need import SYSTEM_PATH, need
from tests.live.nursery import Nursery, unprivileged
from tests.live.side import Side
from tests.live.wait import wait_until
from vsh.backends import errors, procedures, registry
from vsh.backends.libvirt import connection as libvirt_connection
from vsh.backends.libvirt import transport
from vsh.backends.libvirt.dial import remote_name
from vsh.backends.uri import Uri

ROOT = Path(__file__).resolve().parents[2]
ENV = {"LIBVIRT_AUTOSTART": "0"}


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("qemu:///system", "qemu:///system"),
        ("qemu+unix:///session?socket=/a&mode=legacy", "qemu:///session"),
        ("qemu+tcp://root@host:1/system?Socket=/a&no_verify=1", "qemu:///system"),
        ("test+tcp://host/default?name=test:///x.xml", "test:///x.xml"),
        ("vbox+unix:///session?colour=red%20blue&b=%26", "vbox:///session?colour=red%20blue&b=%26"),
        ("test+unix:///path%20with%20blank?socket=/a", "test:///path%20with%20blank"),
        ("lxc+tcp://host/", "lxc:///"),
        ("lxc+tcp://host", "lxc://"),
        ("remote+unix://?socket=/a", ""),
    ],
)
def test_the_daemon_is_told_the_local_part_of_the_uri(uri: str, name: str) -> None:
    assert remote_name(Uri(uri)) == name


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+unix:///system?socket=/nowhere/sock",
        "qemu+unix:///system?socket=/etc/passwd",
        "qemu+tcp://127.0.0.1:1/system",
        "qemu+tcp://host.invalid/system",
        "qemu+unix://host/system",
        "qemu+unix:///system?mode=sideways",
        "qemu+unix:///system?socket=/nowhere/sock&mode=",
        "qemu+tcp://127.0.0.1:1/system?mode=sideways",
    ],
)
def test_failures_are_told_in_virshs_words(uri: str) -> None:
    need("virsh")
    with pytest.raises(errors.VirtError) as caught:
        registry.open(uri)
    run = subprocess.run(["virsh", "-c", uri, "list"], env={"PATH": SYSTEM_PATH}, capture_output=True, timeout=30)
    assert f"error: {caught.value}" == run.stderr.decode().splitlines()[-1]
    assert caught.value.hint


def test_polkit_is_asked_for_before_opening() -> None:
    def answer(daemon: FakeDaemon, call) -> None:  # type: ignore[no-untyped-def]
        if call.procedure == procedures.lookup("auth_polkit").number:
            daemon.reply(call, 1)
        else:
            hostname(daemon, call)

    with FakeDaemon(answer, auth=2) as daemon:
        connection = registry.open(daemon.uri)
        assert connection.connect_get_hostname() == "there"
        assert daemon.seen == ["auth_list", "auth_polkit", "connect_open", "connect_get_hostname"]
        connection.close()


@pytest.mark.parametrize("kind", ["sasl", "nonsense"])
def test_an_authentication_the_daemon_does_not_offer(kind: str) -> None:
    with FakeDaemon(silent, auth=2) as daemon, pytest.raises(errors.VirtError, match="authentication failed"):
        registry.open(f"{daemon.uri}&auth={kind}")


def test_a_socket_that_nobody_accepts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PATIENCE", 0.3)
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as listener, ExitStack() as crowd:
        listener.bind(path)
        listener.listen(0)
        crowd.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
        with pytest.raises(errors.VirtError) as caught:
            registry.open(f"qemu+unix:///system?socket={path}")
    told = f"Failed to connect socket to '{path}': nobody accepted it for 0.3 seconds"
    assert str(caught.value) == told and "overloaded" in caught.value.hint


@pytest.mark.parametrize("transport_name", ["unix", "tcp"])
def test_a_daemon_that_is_stopped(
    new_libvirtd: Callable[..., Libvirtd], transport_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libvirt_connection, "PATIENCE", 0.3)
    daemon = new_libvirtd()
    uri = daemon.uri("test", transport_name)
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        with pytest.raises(errors.VirtError) as caught:
            registry.open(uri)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    told = f"the daemon of '{uri}' accepted the connection, but did not answer within 0.3 seconds"
    assert str(caught.value) == told and "overloaded" in caught.value.hint
    monkeypatch.undo()
    registry.open(uri).close()


def test_which_of_a_users_daemons(side_nobody: Side, new_libvirtd: Callable[..., Libvirtd]) -> None:
    """Beside the socket of a libvirtd stands one where virtqemud's is looked for."""
    one, other = new_libvirtd(), new_libvirtd()
    folder = Path(side_nobody.env["XDG_RUNTIME_DIR"]) / "libvirt"
    folder.mkdir(parents=True, exist_ok=True)
    for daemon, name in ((one, "libvirt-sock"), (other, "virtqemud-sock")):
        (folder / name).symlink_to(daemon.socket)
        xml = other.directory / f"{name}.xml"
        xml.write_text(f"<domain type='qemu'><name>{name}</name><memory>1</memory><os><type>hvm</type></os></domain>")
        xml.chmod(0o644)
        assert side_nobody.virsh("-c", daemon.uri("qemu"), "define", str(xml)).status == 0

    def led_to(uri: str) -> str:
        return side_nobody.assert_same("-c", uri, "list --all --name", env=ENV).stdout.strip()

    assert led_to("qemu+unix:///session?mode=direct") == "virtqemud-sock"
    assert led_to("qemu+unix:///session?mode=legacy") == led_to("qemu:///session?mode=legacy") == "libvirt-sock"
    assert led_to("qemu:///session") == led_to("qemu+unix:///session?mode=auto") == "virtqemud-sock"
    config = Path(side_nobody.env["XDG_CONFIG_HOME"]) / "libvirt/libvirt.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('remote_mode = "legacy"\n')
    config.chmod(0o644)
    assert led_to("qemu:///session") == "libvirt-sock"
    config.unlink()
    (folder / "virtqemud-sock").unlink()
    assert led_to("qemu:///session") == "libvirt-sock"
    side_nobody.assert_same("-c", "qemu+unix:///session?mode=direct", "list", env=ENV)
    (folder / "libvirt-sock").unlink()


def test_a_users_own_daemon_is_started() -> None:
    need("libvirtd", "setpriv")
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from vsh.backends import registry\n"
        "for uri in ('qemu:///session', 'test+unix:///default'):\n"
        "    connection = registry.open(uri)\n"
        "    print(connection.connect_get_type(), flush=True)\n"
        "    connection.close()\n"
    )
    with Nursery(shared=True) as nursery:
        folder, log = nursery.directory, nursery.directory / "log"
        env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
        argv = [*unprivileged(), sys.executable, "-c", script]
        nursery.spawn(argv, {**env, "LIBVIRT_AUTOSTART": "0"}, log)
        wait_until(lambda: log.exists() and "VirtError" in log.read_text())
        assert f"Failed to connect socket to '{folder}/run/libvirt/libvirt-sock': No such file" in log.read_text()
        nursery.spawn(argv, env, log)
        wait_until(lambda: "TEST\n" in log.read_text())
        assert "QEMU\nTEST\n" in log.read_text()
        assert (folder / "run/libvirt").stat().st_mode & 0o777 == 0o700
        assert os.listdir(folder / "run/libvirt")
