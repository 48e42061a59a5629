"""Fixtures and markers of all tests; `tests/live/__init__.py` tells how to use the live ones."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.live import answers
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.need import need, need_root, unavailable
from tests.live.nursery import Nursery, unprivileged
from tests.live.side import Side, vsh_command
from tests.live.sshd import Sshd


def pytest_configure(config: pytest.Config) -> None:
    os.environ["VSH_NO_AGENT"] = "1"  # tests of the agent have agents of their own
    settings.register_profile("vsh", derandomize=True, deadline=None)
    settings.load_profile("vsh")
    if not hasattr(config, "workerinput"):
        answers.begin()
        # What runs in the background of a script is deaf to interrupts, and all that it starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "long: too long for every run; selected by `-m long` or VSH_LONG=1")
    config.addinivalue_line("markers", "sweep: tries a share of its inputs, and with `-m long` or VSH_LONG=1 all")
    if re.search(r"(?<!not )\blong\b", config.option.markexpr):
        os.environ["VSH_LONG"] = "1"


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        answers.end()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two more than there are processors, for tests wait for other processes half of their time."""
    return len(os.sched_getaffinity(0)) + 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("VSH_LONG") == "1":
        for item in items:
            if item.get_closest_marker("sweep"):
                item.add_marker("long")
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


#: Daemons that all tests share. libvirtd 9.0.0 crashes now and then; that is to fail one test and not all after it.
SHARED: list[Libvirtd] = []


def shared(daemon: Libvirtd) -> Iterator[Libvirtd]:
    """Lend it to all tests; at the end it must be as it began, whichever tests ran on it, in whatever order."""
    lists = "list --all --name; net-list --all --name; pool-list --all --name; secret-list"
    argv = ["virsh", "-q", "-c", daemon.uri("qemu"), lists]

    def seen() -> str:
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout.strip()

    SHARED.append(daemon)
    before = seen()
    yield daemon
    SHARED.remove(daemon)
    daemon.revive()
    assert seen() == before


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for daemon in SHARED:
        daemon.revive()


@pytest.fixture(scope="session")
def libvirtd() -> Iterator[Libvirtd]:
    """An unprivileged libvirtd that all tests share: leave it as you found it, and do not kill it."""
    need("libvirtd", "setpriv")
    with Libvirtd() as daemon:
        yield from shared(daemon)


@pytest.fixture(scope="session")
def libvirtd_root() -> Iterator[Libvirtd]:
    """A privileged libvirtd (`qemu:///system`) that all tests share."""
    need("libvirtd")
    need_root()
    with Libvirtd(privileged=True) as daemon:
        yield from shared(daemon)


@pytest.fixture(scope="session")
def libvirtd_net() -> Iterator[Libvirtd]:
    """A privileged libvirtd in a network of its own (`qemu:///system`) that all tests share, for virtual networks."""
    need("libvirtd", "dnsmasq", "ip", "nsenter")
    need_root()
    with Libvirtd(privileged=True, own_network=True) as daemon:
        yield from shared(daemon)


@pytest.fixture
def new_libvirtd() -> Iterator[Callable[..., Libvirtd]]:
    """Starts daemons of the test's own (0.15 s each), as `Libvirtd(…)` does; the test may kill them."""
    need("libvirtd", "setpriv")
    with ExitStack() as started:

        def start(*, privileged: bool = False) -> Libvirtd:
            if privileged:
                need_root()
            return started.enter_context(Libvirtd(privileged=privileged))

        yield start


@pytest.fixture(scope="session")
def side() -> Iterator[Side]:
    """Runs virsh and vsh side by side."""
    need("virsh")
    with Side() as runner:
        yield runner


@pytest.fixture
def side_nobody() -> Iterator[Side]:
    """The same without privileges: as nobody if the tests run as root."""
    need("virsh", "setpriv")
    # An interpreter or a checkout below /root, say.
    argv = [*unprivileged(), *vsh_command(), "--version"]
    probe = subprocess.run(argv, cwd="/", capture_output=True, timeout=30)
    if probe.returncode:
        unavailable(f"nobody cannot run {sys.executable} -m vsh")
    with Side(as_nobody=True) as runner:
        yield runner


@pytest.fixture(scope="session")
def guests() -> Iterator[Guests]:
    """Domain XML of guests that boot under TCG."""
    need("qemu-system-x86_64", "busybox", "apt-get", "dpkg")
    with Nursery() as nursery:
        yield Guests(nursery.directory)


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """An sshd that all tests share: leave it as you found it."""
    need("sshd", "ssh-keygen")
    need_root()
    with Sshd() as server:
        yield server


@pytest.fixture
def new_sshd() -> Iterator[Callable[..., Sshd]]:
    """Starts servers of the test's own, as `Sshd(...)` does."""
    need("sshd", "ssh-keygen")
    need_root()
    with ExitStack() as started:
        yield lambda **options: started.enter_context(Sshd(**options))


@pytest.fixture
def define(side: Side, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Defines domains with the real virsh (URI, XML; `start=True` starts them), and takes them away at the end."""
    defined: list[tuple[str, str]] = []

    def define(uri: str, xml: str, *, start: bool = False) -> None:
        path = tmp_path / "domain.xml"
        path.write_text(xml)
        name = xml.partition("<name>")[2].partition("</name>")[0]
        defined.append((uri, name))
        for argv in (["define", str(path)], *([["start", name]] if start else [])):
            run = side.virsh("-c", uri, *argv)
            assert run.status == 0, run.stderr

    yield define
    for uri, name in reversed(defined):
        side.virsh("-c", uri, f"destroy {name}; undefine {name} --snapshots-metadata --managed-save --nvram")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Add to a failing test's report what its daemons logged meanwhile."""
    arguments = getattr(item, "funcargs", {})
    daemons = [value for value in arguments.values() if isinstance(value, Libvirtd)]
    before = [len(daemon.log()) for daemon in daemons]
    try:
        return (yield)
    except BaseException:
        for daemon, start in zip(daemons, before, strict=True):
            item.add_report_section("call", "libvirtd", daemon.log()[start:])
        raise
