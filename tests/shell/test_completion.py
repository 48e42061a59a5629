"""Completion: virsh's contract, the scripts for shells, and that neither waits nor asks."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import MANY
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Side
from tests.live.terminal import Terminal
from vsh.commands.declare import Alias
from vsh.commands.index import COMMANDS, find
from vsh.complete import candidates, escaped

HOST = ["-q", "-c", "test:///default"]
ROOT = Path(__file__).parents[2]


def test_names_of_commands(side: Side) -> None:
    """As virsh, but for the commands that only one of both has."""
    known = side.virsh(*HOST, "complete", "--", "").stdout.splitlines()
    for words in ([""], ["domst"], ["list"], ["nosuchcommand"], ["uri;", "domst"], []):
        wanted, seen = (getattr(side, program)(*HOST, "complete", "--", *words) for program in ("virsh", "vsh"))
        theirs = [name for name in wanted.stdout.splitlines() if name in COMMANDS]
        assert [name for name in seen.stdout.splitlines() if name in known] == theirs
        assert (seen.stderr, seen.status) == ("", wanted.status)


def test_every_option_of_every_command() -> None:
    """All names at once, then each from its beginning."""
    for name in COMMANDS:
        command = find(name)
        assert command is not None
        ours = [one.text for one in candidates(f"{name} ", None)]
        assert ours == [f"--{option.name}" for option in command.options if not isinstance(option, Alias)]
        for option in ours:
            found = [one.text for one in candidates(f"{name} {option[:-1]}", None)]
            assert found == [other for other in ours if other.startswith(option[:-1]) and other != option[:-1]]


def test_names_of_options_as_virsh(side: Side) -> None:
    """Of some commands; that all have virsh's options is seen by comparing their help."""
    known = side.virsh(*HOST, "complete", "--", "").stdout.splitlines()
    for name in [name for name in COMMANDS if name in known][::9]:
        theirs = side.virsh(*HOST, "complete", "--", name, "").stdout.splitlines()
        ours = side.vsh(*HOST, "complete", "--", name, "").stdout.splitlines()
        assert [option for option in ours if option in theirs] == theirs, name


@pytest.fixture(scope="module")
def many(libvirtd: Libvirtd) -> list[str]:
    """The connection options of a host with many domains."""
    path = libvirtd.directory / "completed.xml"
    path.write_text(MANY)
    path.chmod(0o644)
    return ["-q", "-c", libvirtd.uri("test", path=str(path))]


@pytest.mark.parametrize(
    "words",
    [
        ["domstate", "z"], ["domstate", "--domain", ""], ["domstate", "--domain", "z"], ["domstate", "A"],
        ["domstate", "Alpha\\ b"], ["domstate", "日"], ["domstate", "nosuch"], ["domstate", "zulu", ""],
        ["domstate", "zulu", "x"], ["domstate", "--domain=z"], ["start", "--domain", ""], ["suspend", "--domain", ""],
        ["destroy", "--domain", ""], ["list", "--all"], ["list", "--all", "--state"], ["domstate", "--domain"],
        ["help", "domst"], ["help", "--command", "domst"], ["event", "--event", "l"], ["uri", "--"], ["uri", "x"],
        ["undefine", "zulu", "--delete-s"], ["complete", ""], ["connect", ""], ["connect", "t"],
    ],
)  # fmt: skip
def test_values_as_virsh(side: Side, many: list[str], words: list[str]) -> None:
    wanted, seen = (getattr(side, program)(*many, "complete", "--", *words) for program in ("virsh", "vsh"))
    theirs = [one for one in wanted.stdout.splitlines() if words[0] != "help" or one in COMMANDS]
    assert sorted(one for one in seen.stdout.splitlines() if one != "--values") == sorted(theirs)
    assert (seen.stderr, seen.status) == ("", wanted.status)


def test_values_beside_names(side: Side, many: list[str], tmp_path: Path) -> None:
    def told(*words: str) -> list[str]:
        return side.vsh(*many, "complete", "--values", "--", *words).stdout.splitlines()

    names = {"zulu", "日本", "2", "Alpha\\ beta", "yankee", "bravo"}
    assert set(told("domstate", "")) == names | {"--domain", "--reason"}
    assert told("domstate", "--domain=zu") == ["--domain=zulu"]
    assert told("list", "--all") == ["--all"]
    (tmp_path / "one two.xml").touch()
    (tmp_path / "folder").mkdir()
    assert told("define", f"{tmp_path}/") == [
        f"{tmp_path}/folder/",
        f"{tmp_path}/one\\ two.xml",
    ]
    assert told("define", f"{tmp_path}/o") == [f"{tmp_path}/one\\ two.xml"]


def test_of_a_line() -> None:
    def texts(line: str) -> list[str]:
        return [one.text for one in candidates(line, None)]

    assert texts("domsta")[0].startswith("domsta")
    assert texts("uri; domstate --re") == ["--reason"]
    assert texts("domstate --reason -") == ["--domain"]
    assert texts("domstate -- -") == []
    assert texts('domstate "open') == [] == texts("domstate open\\")
    assert escaped("a b;'c") == "a\\ b\\;\\'c"


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[str]:
    """A URI behind which somebody listens who never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "deaf"))
        listener.listen()
        yield f"test+unix:///default?socket={tmp_path}/deaf"


def test_nobody_answers(side: Side, deaf: str) -> None:
    default = {"VSH_COMPLETE_TIMEOUT": ""}
    begun = time.monotonic()
    assert side.vsh("-q", "-c", deaf, "complete", "--", "domstate", "t", env=default) == ("", "", 1)
    run = side.vsh("-q", "-c", deaf, "complete", "--values", "--", "domstate", "", env=default)
    assert run.stdout == "--domain\n--reason\n" and time.monotonic() - begun < 2.5
    begun = time.monotonic()
    run = side.vsh("-q", "-c", deaf, "complete", "--", "domstate", "t", env={"VSH_COMPLETE_TIMEOUT": "3"})
    assert (run.status, 3 < time.monotonic() - begun < 5) == (1, True)


def test_nothing_is_there(side: Side) -> None:
    for uri in ("test+unix:///default?socket=/nonexistent", "nosuch:///x", "not a uri"):
        side.assert_same("-q", "-c", uri, "complete", "--", "domst")
        assert side.vsh("-q", "-c", uri, "complete", "--values", "--", "domst") == ("domstate\ndomstats\n", "", 0)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_printed_as_committed(side: Side, shell: str) -> None:
    name = {"bash": "vsh", "zsh": "_vsh", "fish": "vsh.fish"}[shell]
    assert side.vsh("-q", "completion", shell).stdout == (ROOT / "completions" / name).read_text()


def test_completion_for_another_shell(side: Side) -> None:
    run = side.vsh("completion", "tcsh")
    assert run == ("\n", "error: there is no completion for 'tcsh': use bash, zsh, fish\n", 1)


@pytest.fixture
def path(side: Side, tmp_path: Path) -> dict[str, str]:
    """An environment in which vsh is found."""
    vsh = tmp_path / "vsh"
    vsh.write_text(f'#!/bin/sh\nexec {sys.executable} -m vsh "$@"\n')
    vsh.chmod(0o755)
    return {**side.env, "PATH": f"{tmp_path}:{side.env['PATH']}"}


LINES = [
    ("vsh undef", "undefine"),
    ("vsh -c test:///default domstate t", "test"),
    ("vsh -c test:///default domstate ", "test"),
    ("vsh -c test:///default domstate --re", "--reason"),
    ("vsh --connect=test:///default domstate --domain t", "test"),
    ("vsh --format ya", "yaml"),
    ("vsh --colu", "--columns"),
]


@pytest.mark.parametrize(("line", "wanted"), LINES)
def test_bash(path: dict[str, str], line: str, wanted: str) -> None:
    script = f"""
        source {ROOT}/completions/vsh
        COMP_LINE={line!r} COMP_POINT=${{#COMP_LINE}} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
        _vsh vsh
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """.replace("COMP_POINT=", "\nCOMP_POINT=").replace(" COMP_WORDBREAKS", "\nCOMP_WORDBREAKS")
    run = subprocess.run(["bash", "-c", script], env=path, capture_output=True, text=True, timeout=30, check=True)
    assert wanted in run.stdout.split() and "compopt" not in run.stderr


@pytest.mark.parametrize(("line", "wanted"), LINES)
def test_fish(path: dict[str, str], line: str, wanted: str) -> None:
    need("fish")
    script = f"source {ROOT}/completions/vsh.fish; complete -C {line!r}"
    run = subprocess.run(["fish", "-c", script], env=path, capture_output=True, text=True, timeout=30, check=True)
    assert wanted in [found.partition("\t")[0] for found in run.stdout.splitlines()]


def test_zsh(path: dict[str, str], tmp_path: Path) -> None:
    need("zsh")
    (tmp_path / ".zshrc").write_text(
        f"PROMPT='ready> '; fpath=({ROOT}/completions $fpath); autoload -Uz compinit; compinit -u -D; "
        "zstyle ':completion:*' insert-tab false; unsetopt list_beep\n"
    )
    with Terminal(["zsh", "-d", "-i"], {**path, "ZDOTDIR": str(tmp_path), "TERM": "xterm"}, str(tmp_path)) as zsh:
        zsh.expect("ready> ")
        for line, wanted in LINES:
            zsh.send(f"{line}\t")
            zsh.expect(wanted.removeprefix(line.rpartition(" ")[2]))
            zsh.send("\x15")
        zsh.send("exit\r")
        zsh.finish()
