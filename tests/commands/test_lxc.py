"""lxc-enter-namespace: a program in the namespaces that a daemon hands over."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.commands.answering import Answering
from tests.live.need import need, need_root
from tests.live.nursery import Nursery
from tests.live.side import Side
from vsh.backends.records import DomainGetSecurityLabel, NodeGetSecurityModel


@pytest.fixture
def container() -> Iterator[str]:
    """The URI of a daemon whose container `box` has one namespace of its own: that of the host name."""
    need("unshare")
    need_root()
    shell = "hostname inside; echo; exec sleep 100"
    process = subprocess.Popen(["unshare", "--uts", "sh", "-c", shell], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    answers = {
        "domain_lookup_by_name": ("box", bytes(range(16)), process.pid),
        "node_get_security_model": NodeGetSecurityModel("none", ""),
        "domain_get_security_label": DomainGetSecurityLabel("", 0),
        "lxc_domain_open_namespace": [f"/proc/{process.pid}/ns/uts"],
    }
    try:
        with Nursery() as nursery:
            daemon = Answering(nursery.directory / "socket", "lxc+unix:///system", answers)
            yield daemon.uri
            daemon.close()
    finally:
        process.kill()
        process.wait()


def test_a_program_inside(side: Side, container: str) -> None:
    run = side.assert_same(
        "-c",
        container,
        "lxc-enter-namespace box /bin/hostname; "
        "lxc-enter-namespace box --noseclabel -- /bin/sh -c 'hostname; echo $1' x y",
    )
    assert run.stdout.split() == ["inside", "inside", "y"] and run.status == 0
    assert side.vsh("-q", "-c", container, "lxc-enter-namespace", "box", "/bin/echo", "a b").stdout == "a b\n"


def test_its_failures(side: Side, container: str) -> None:
    for program in ("/bin/false", "/nosuch", "/", "/bin/sh -c 'exit 3'", "/bin/sh -c 'kill -9 $$'"):
        runs = [one("-c", container, f"lxc-enter-namespace box {program}") for one in (side.virsh, side.vsh)]
        wanted, seen = ["".join(c for c in run.stderr if not c.isdigit()) for run in runs]
        assert seen == wanted and runs[0].status == runs[1].status == 1
