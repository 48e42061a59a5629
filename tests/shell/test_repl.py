"""The prompt, as somebody at a terminal meets it."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.live.terminal import Terminal
from vsh.commands.context import Context
from vsh.commands.declare import Data, Opt, command
from vsh.history import LineHistory
from vsh.parser import Parsed, tells_secret
from vsh.repl import _raw, usage

HOST = ["-c", "test:///default"]
XTERM = {"TERM": "xterm-256color"}
PLAIN = XTERM | {"NO_COLOR": "1"}


@pytest.fixture
def history(side: Side) -> Iterator[Path]:
    """The history's file, which is not there yet."""
    path = Path(side.env["XDG_CACHE_HOME"]) / "libvirt" / "virsh" / "history"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def leave(terminal: Terminal) -> None:
    terminal.send("quit\r")
    assert terminal.finish()[1] == 0


@contextmanager
def shell(side: Side, *argv: str, env: Mapping[str, str] = XTERM) -> Iterator[Terminal]:
    """The shell at its first prompt; it is left at the end."""
    with side.terminal("vsh", *(argv or HOST), env=env) as terminal:
        terminal.expect(" #")
        yield terminal
        leave(terminal)


@pytest.mark.parametrize("program", ["virsh", "vsh"])
def test_greeting_prompts_and_history(side: Side, history: Path, program: str) -> None:
    with side.terminal(program, *HOST) as terminal:
        greeting = terminal.expect(f"{program} # ")
        assert f"Welcome to {program}, the virtualization interactive terminal.\r\n\r\nType:  'help' for" in greeting
        terminal.send("uri\r")
        terminal.expect("test:///default\r\n\r\n")
        terminal.expect(f"{program} # ")
        leave(terminal)
    assert history.read_text() == "uri\nquit\n"
    with side.terminal(program, "-q", "-r", *HOST) as terminal:
        terminal.expect(f"{program} > ")
        leave(terminal)


def test_under_virshs_name(side: Side, tmp_path: Path) -> None:
    (tmp_path / "virsh").symlink_to(Path(__file__).parents[2] / "bin" / "vsh")
    with Terminal([sys.executable, str(tmp_path / "virsh"), *HOST], {**side.env, **XTERM}) as terminal:
        terminal.expect("Welcome to virsh,")
        terminal.expect("virsh #")
        terminal.send("list\r")
        terminal.expect(" Id   Name   State\r\n----------------------\r\n 1    test   running\r\n")
        leave(terminal)


def test_completion_and_usage_as_one_types(side: Side) -> None:
    with shell(side) as terminal:
        terminal.send("domsta")
        terminal.expect("Show the state of a domain")
        terminal.send("te --domain ")
        terminal.expect("test")
        terminal.send("\x15domstate ")
        terminal.expect("--reason")
        terminal.send("test\r")
        terminal.expect("running")


def test_ctrl_c_keeps_the_shell(side: Side) -> None:
    with shell(side) as terminal:
        terminal.send("half a line\x03")
        terminal.expect(" #")
        terminal.send("event --all --loop\r")
        terminal.expect("event --all --loop")
        terminal.expect("\x1b[?2004l")
        time.sleep(0.5)  # until it waits for events
        terminal.send("\x03")
        terminal.expect("\r\n\r\n")
        terminal.expect(" #")
        terminal.send("uri\r")
        terminal.expect("test:///default\r\n")


def test_paste_of_several_lines(side: Side) -> None:
    with shell(side) as terminal:
        terminal.send("\x1b[200~uri\ndomstate test --reason\n\x1b[201~\r")
        terminal.expect("test:///default\r\n")
        terminal.expect("(unknown)")


def test_window_resize(side: Side) -> None:
    with shell(side, env=PLAIN) as terminal:
        terminal.resize(30)
        terminal.send("list --all --title\r")
        terminal.expect("running")
        terminal.expect(" #")
        terminal.resize(100)
        terminal.send("dominfo test\r")
        terminal.expect("libvirt-test (enforcing)")


def test_lost_connection(side: Side, new_libvirtd: Callable[[], Libvirtd]) -> None:
    daemon = new_libvirtd()
    with shell(side, "-c", daemon.uri("test"), env=PLAIN) as terminal:
        terminal.send("domstate test\r")
        terminal.expect("running")
        terminal.expect(" #")
        daemon.kill()
        terminal.expect("error: Disconnected from test+unix:///default?")
        terminal.send("uri\r")
        terminal.expect("error: Failed to reconnect to the hypervisor\r\n")
        daemon.start()
        terminal.send("domstate test\r")
        terminal.expect("running")


def test_history_size(side: Side, history: Path) -> None:
    history.parent.mkdir(parents=True, exist_ok=True)
    history.write_text("one\ntwo\nthree\n")
    with shell(side, env={"VIRSH_HISTSIZE": "2"}):
        pass
    assert history.read_text() == "three\nquit\n"
    for value in ("abc", "500001", "-1"):
        side.assert_same("-q", *HOST, stdin="uri\n", env={"VIRSH_HISTSIZE": value})


@command("confide", "virsh", [Data("name"), Opt("password", secret=True)])
def confide(ctx: Context, name: str, password: str = "") -> None:
    """Tell a secret."""


def test_secrets_are_not_kept(tmp_path: Path) -> None:
    told = confide.command  # type: ignore[attr-defined]
    assert tells_secret([Parsed(told, {"name": "x", "password": "y"})])
    assert not tells_secret([Parsed(told, {"name": "x"})])
    kept = LineHistory(str(tmp_path / "sub" / "history"), 10, lambda line: "password" in line)
    for line in ("uri", "confide x --password y", "  ", "list"):
        kept.append_string(line)
    assert (tmp_path / "sub" / "history").read_text() == "uri\nlist\n"
    assert kept.get_strings() == ["uri", "list"]
    assert (tmp_path / "sub" / "history").stat().st_mode & 0o777 == 0o600


def test_usage_below_the_prompt() -> None:
    shown = usage("uri; domstate ")
    assert shown is not None and [text for style, text in shown if style] == [" <domain>"]
    assert usage("domsta") is None and usage("nosuch ") is None


@pytest.mark.parametrize(
    ("line", "word"),
    [("a b", "b"), ("a ", ""), ("a b\\ c", "b\\ c"), ('a "b c', '"b c'), ('a "b" c', "c"), ("a;b", "b"), ("'b' ", "")],
)
def test_last_word_as_typed(line: str, word: str) -> None:
    assert _raw(line) == word
