"""libvirt daemons through SSH: every way there is to their socket, and what is said when there is none."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.fresh import await_fresh
from tests.live.libvirtd import Libvirtd
from tests.live.need import need, need_root
from tests.live.side import Side
from tests.live.sshd import Sshd
from vsh.backends import errors, registry


def address(sshd: Sshd, libvirtd: Libvirtd, **parameters: str) -> str:
    query = sshd.query(**{"socket": str(libvirtd.socket), **parameters})
    return f"test+ssh://root@127.0.0.1:{sshd.port}/default?{query}"


def refused(uri: str) -> errors.VirtError:
    with pytest.raises(errors.VirtError) as caught:
        registry.open(uri)
    return caught.value


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"proxy": "netcat"},
        {"netcat": "/usr/bin/nc"},
        {"command": "ssh"},
        {"command": "ssh", "proxy": "netcat"},
    ],
    ids=str,
)
def test_ways_to_a_socket(sshd: Sshd, libvirtd: Libvirtd, way: dict[str, str]) -> None:
    need("nc")
    await_fresh(libvirtd.uri("test"))
    connection = registry.open(address(sshd, libvirtd, **way))
    try:
        assert connection.connect_get_type() == "TEST" and connection.connect_is_secure() == 1
        assert len(connection.batch([("connect_get_capabilities", ())] * 50)) == 50
        [ref] = connection.connect_list_all_domains(0)
        arrived = threading.Event()
        connection.subscribe("domain_event_lifecycle", None, lambda event: arrived.set())
        connection.domain_destroy(ref)
        assert arrived.wait(10)
    finally:
        connection.close()


def test_the_name_that_the_daemon_gets(sshd: Sshd, libvirtd: Libvirtd) -> None:
    """`name=` stands for the rest of the URI; parameters that are not vsh's go to the daemon."""
    query = sshd.query(socket=str(libvirtd.socket))
    connection = registry.open(f"qemu+ssh://root@127.0.0.1:{sshd.port}/session?name=test:///default&{query}")
    assert connection.connect_get_type() == "TEST"
    connection.close()
    assert "nosuch" in str(refused(f"qemu+ssh://root@127.0.0.1:{sshd.port}/session?name=nosuch:///&{query}"))


def test_a_server_that_forbids_sockets(new_sshd: Callable[..., Sshd], libvirtd: Libvirtd) -> None:
    need("nc")
    sshd = new_sshd(settings={"AllowStreamLocalForwarding": "no", "AllowTcpForwarding": "no"})
    connection = registry.open(address(sshd, libvirtd))
    assert connection.connect_get_type() == "TEST"
    connection.close()


def test_refusals(sshd: Sshd, libvirtd: Libvirtd) -> None:
    text = str(refused(address(sshd, libvirtd, socket="/nowhere/sock")))
    assert text == "Failed to connect socket to '127.0.0.1:/nowhere/sock': No such file or directory"
    text = str(refused(address(sshd, libvirtd, netcat="/nowhere/nc")))
    assert text.startswith("Cannot recv data: ") and "/nowhere/nc: No such file or directory (on 127.0.0.1)" in text
    assert "proxy mode 'x'" in str(refused(address(sshd, libvirtd, proxy="x")))
    assert "known hosts verification 'x'" in str(refused(address(sshd, libvirtd, known_hosts_verify="x")))
    assert "Missing server name" in str(refused("qemu+ssh:///system"))


@pytest.fixture
def privileged(libvirtd_root: Libvirtd, new_sshd: Callable[..., Sshd]) -> Iterator[Sshd]:
    """An SSH server on the machine of the privileged daemon, in whose mount namespace it lives."""
    need("nsenter")
    need_root()
    yield new_sshd(prefix=["nsenter", "-t", str(libvirtd_root.pid), "--mount"])


@pytest.mark.parametrize("way", [{}, {"proxy": "native"}, {"proxy": "netcat"}, {"mode": "legacy"}], ids=str)
def test_the_system_daemon_is_found(privileged: Sshd, side: Side, way: dict[str, str]) -> None:
    need("virt-ssh-helper", "nc")
    uri = f"qemu+ssh://root@127.0.0.1:{privileged.port}/system?{privileged.query(**way)}"
    run = side.vsh("-c", uri, "list --all; version")
    assert run.status == 0 and "Using API: QEMU" in run.stdout, run.stderr
    readonly = side.vsh("-r", "-c", uri, "destroy nosuch")
    assert readonly.status == 1 and "failed to get domain 'nosuch'" in readonly.stderr


def test_the_same_as_virsh(sshd: Sshd, side: Side, libvirtd: Libvirtd, tmp_path: Path) -> None:
    need("ssh", "nc")
    uri = address(sshd, libvirtd, no_verify="1")
    virsh = side.virsh("-c", uri, "list --all; dominfo test")
    vsh = side.vsh("-c", uri, "list --all; dominfo test")
    assert virsh.status == 0, virsh.stderr
    assert vsh.stdout.splitlines()[:8] == virsh.stdout.splitlines()[:8] and vsh.status == 0
