"""What a plain one-shot loads: start-up time is imports."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu import lines
from vsh.backends.qemu.places import Places
from vsh.backends.qemu.store import Entry, Store

#: Modules that cost more than the command itself.
HEAVY = {
    "re", "json", "typing", "subprocess", "logging", "dataclasses", "lxml", "click", "asyncio", "rich",
    "prompt_toolkit", "paramiko", "importlib.metadata", "argparse", "inspect", "urllib.parse", "pathlib", "tempfile",
    "shutil",
}  # fmt: skip
LOADED = """
import sys
before = set(sys.modules)
sys.argv = ["vsh"] + {argv!r}
from vsh.entry import main
status = main()
sys.stderr.write("\\n".join(sorted(set(sys.modules) - before)))
sys.exit(status)
"""


def loaded(*argv: str) -> set[str]:
    """The modules that `vsh ARGV` imports beyond those of the bare interpreter."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED.format(argv=list(argv))], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return set(run.stderr.split("\n"))


@pytest.mark.parametrize("argv", [("list", "--all"), ("domstate", "test"), ("dominfo", "test"), ("suspend", "test")])
def test_one_shot_on_the_test_host_loads_nothing_heavy(argv: tuple[str, ...]) -> None:
    modules = loaded("-c", "test:///default", *argv)
    assert "vsh.session" in modules
    assert not modules & HEAVY
    assert "socket" not in modules
    assert "threading" not in modules


@pytest.mark.parametrize("argv", [("list", "--all"), ("domstate", "web"), ("dominfo", "web")])
def test_one_shot_on_qemu_without_libvirt_loads_nothing_heavy(argv: tuple[str, ...]) -> None:
    """Definitions are not even read: the index tells."""
    with tempfile.TemporaryDirectory(prefix="vsh-q", dir="/tmp") as folder:
        store = Store(LocalHost(), Places.below(folder, folder))
        store.make()
        path = Path(folder) / "etc/qemu/web.xml"
        path.write_text("never read")
        stat = store.host.stat(str(path))
        assert stat is not None
        entry = Entry("web", stat.version, bytes(15) + b"1", "", "hvm", 1024, 1024, 1, 1)
        (Path(folder) / "lib/qemu/index").write_bytes(lines.dump([["vsh-index", "1"], entry.row()]))
        modules = loaded("-c", f"qemu:///embed?root={folder}", *argv)
    assert "vsh.backends.qemu" in modules
    assert not modules & HEAVY
    assert "socket" not in modules
    assert "threading" not in modules


def test_one_shot_over_rpc_loads_nothing_heavier_than_socket(libvirtd) -> None:  # type: ignore[no-untyped-def]
    modules = loaded("-c", libvirtd.uri("test"), "list", "--all")
    assert "vsh.backends.libvirt" in modules
    assert not modules & (HEAVY - {"re"})


def test_commands_load_only_their_own_module() -> None:
    modules = loaded("-c", "test:///default", "list")
    assert {m for m in modules if m.startswith("vsh.commands.") and m.count(".") == 3} <= {
        "vsh.commands.monitor.listing",
        "vsh.commands.domain.states",
        "vsh.commands.domain.lookup",
    }


def test_no_module_is_loaded_under_two_names() -> None:
    code = (
        "import sys, os, vsh.cli, vsh.backends.api, vsh.commands.index as i\n"
        "[i.find(n) for n in i.COMMANDS]\n"
        "files = {}\n"
        "for name, module in list(sys.modules.items()):\n"
        "    path = getattr(module, '__file__', None)\n"
        "    if path: files.setdefault(os.path.realpath(path), set()).add(name)\n"
        "twice = {p: n for p, n in files.items() if len(n) > 1 and 'vsh' in str(n)}\n"
        "assert not twice, twice\n"
        "assert 'commands' not in sys.modules and 'backends' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
