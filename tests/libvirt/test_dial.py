"""From a URI to a daemon: where it is looked for, what it is told, and what is said when that fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.libvirt.fake import FakeDaemon
from tests.libvirt.test_hostile import hostname, silent
from tests.live.need import SYSTEM_PATH, need
from tests.live.nursery import Nursery, unprivileged
from tests.live.wait import wait_until
from vsh.backends import errors, procedures, registry
from vsh.backends.libvirt.dial import remote_name
from vsh.backends.uri import Uri

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("qemu:///system", "qemu:///system"),
        ("qemu+unix:///session?socket=/a&mode=legacy", "qemu:///session"),
        ("qemu+tcp://root@host:1/system?Socket=/a&no_verify=1", "qemu:///system"),
        ("test+tcp://host/default?name=test:///x.xml", "test:///x.xml"),
        ("vbox+unix:///session?colour=red%20blue&b=%26", "vbox:///session?colour=red%20blue&b=%26"),
        ("test+unix:///path with%20blank?socket=/a", "test:///path%20with%20blank"),
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
