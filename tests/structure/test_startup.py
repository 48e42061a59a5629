"""What a plain one-shot loads: start-up time is imports."""

import subprocess
import sys

import pytest

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
