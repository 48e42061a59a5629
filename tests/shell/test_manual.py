"""The manual pages: what they tell is true, and roff that man(1) reads."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.live.need import need
from tests.live.side import Side
from vsh.commands.declare import Alias
from vsh.commands.index import COMMANDS, find
from vsh.manual import EXAMPLES, page

MAN = Path(__file__).parents[2] / "man"


@pytest.mark.parametrize("name", ["vsh.1", "vsh-data.5"])
def test_roff_is_sound(name: str) -> None:
    need("groff")
    argv = ["groff", "-man", "-ww", "-Tutf8", str(MAN / name)]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert not [line for line in run.stderr.splitlines() if "cannot adjust line" not in line and "break" not in line]


def test_everything_is_explained() -> None:
    text = page().replace("\\-", "-")
    for name in COMMANDS:
        command = find(name)
        assert command is not None
        if not command.hidden:
            assert f"\\fB{name}\\fR" in text
            assert all(f"--{o.name}" in text or f"<{o.name}>" in text
                       for o in command.options if not isinstance(o, Alias))  # fmt: skip


@pytest.mark.parametrize("line", [line for _, line in EXAMPLES])
def test_examples_work(side: Side, line: str) -> None:
    run = side.vsh(*shlex.split(line)[1:], env={"VIRSH_DEFAULT_CONNECT_URI": "test:///default"})
    assert (run.stderr, run.status) == ("", 0) and run.stdout.strip()


def test_man(side: Side) -> None:
    need("man")
    shown = side.vsh("man", env={"MANWIDTH": "80"})
    assert shown.stdout.startswith("VSH(1)") and "vsh list --all" in shown.stdout and shown.status == 0
    assert side.vsh("-q", "man", env={"PATH": "/nonexistent"}).stdout == (MAN / "vsh.1").read_text()
