"""What people at a terminal see, and that programs never see it."""

import re
from collections.abc import Iterator

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.render.text import harmless

COLOURS = {"TERM": "xterm-256color"}
HOST = ["-c", "test:///default"]
#: A domain whose title would clear the screen, ring, and turn the direction of writing.
EVIL = """\
<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <domain type='test'>
    <name>evil</name><title>a\N{RIGHT-TO-LEFT OVERRIDE}b&#x9b;2J日本</title><memory>65536</memory>
    <os><type arch='i686'>hvm</type></os>
  </domain>
</node>
"""


@pytest.fixture
def seen(side: Side) -> Iterator[object]:
    """What `vsh ARGV` shows on a terminal, with the exit status."""

    def show(*argv: str, columns: int = 80, **env: str) -> tuple[str, int]:
        with side.terminal("vsh", *HOST, *argv, env=COLOURS | env, columns=columns) as terminal:
            shown, status = terminal.finish()
            return shown.replace("\r\n", "\n"), status

    yield show


def test_states_are_coloured(seen) -> None:  # type: ignore[no-untyped-def]
    shown, status = seen("list")
    assert "\x1b[32mrunning\x1b[0m" in shown and "─" in shown and status == 0
    shown, _ = seen("suspend test; dominfo test; domstate test; destroy test; domstate test")
    assert shown.count("\x1b[33mpaused\x1b[0m") == 2
    assert "\x1b[2mshut off\x1b[0m" in shown
    assert "Domain 'test' suspended\n" in shown


def test_xml_is_highlighted_and_else_unchanged(side: Side, seen) -> None:  # type: ignore[no-untyped-def]
    shown, _ = seen("dumpxml test")
    assert "\x1b[94m<domain" in shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == side.virsh(*HOST, "dumpxml", "test").stdout


def test_errors_are_coloured_and_hinted(seen) -> None:  # type: ignore[no-untyped-def]
    shown, status = seen("domstat test")
    assert status == 1
    assert shown.startswith(
        "\x1b[1;31merror: \x1b[0munknown command: 'domstat'\n\x1b[1;36mhint: \x1b[0mdid you mean 'domst"
    )


def test_no_color(seen) -> None:  # type: ignore[no-untyped-def]
    for line in ("list", "dominfo test", "dumpxml test", "domstat test"):
        shown, _ = seen(line, NO_COLOR="1")
        assert shown and "\x1b" not in shown


@pytest.mark.parametrize("options", [["--format", "plain"], ["-q", "--format", "plain"]])
def test_plain_on_a_terminal_is_virshs(side: Side, seen, options: list[str]) -> None:  # type: ignore[no-untyped-def]
    shown, _ = seen(*options, "list; dominfo test; dumpxml test")
    wanted = side.virsh(*HOST, *options[:-2], "list; dominfo test; dumpxml test").stdout
    cut = re.compile(r"CPU time: .*")
    assert cut.sub("", shown) == cut.sub("", wanted)


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}, {"LC_ALL": "de_DE.ISO-8859-1"}])
def test_plain_on_a_dumb_terminal(side: Side, seen, env: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    shown, _ = seen("list", **env)
    assert shown == side.virsh(*HOST, "list").stdout


def test_plain_when_piped_although_the_terminal_is_there(side: Side) -> None:
    wanted = side.virsh(*HOST, "list --all; dominfo nosuch")
    for extra in ({}, {"FORCE_COLOR": "1"}, {"CLICOLOR_FORCE": "1"}):
        got = side.vsh(*HOST, "list --all; dominfo nosuch", env=COLOURS | extra)
        assert got == wanted


def test_narrow_terminals_lose_nothing(seen) -> None:  # type: ignore[no-untyped-def]
    for columns in (30, 14):
        shown, _ = seen("--columns", "name,uuid", "list", columns=columns, NO_COLOR="1")
        assert max(len(line) for line in shown.split("\n")) <= columns
        assert "6695eb01f6a4830479aa97f2502e193f" in re.sub(r"[^0-9a-f]", "", shown.partition("─")[2])


def test_control_characters_are_harmless(libvirtd: Libvirtd, seen) -> None:  # type: ignore[no-untyped-def]
    path = libvirtd.directory / "evil.xml"
    path.write_text(EVIL)
    path.chmod(0o644)
    uri = libvirtd.uri("test", path=str(path))
    for line in ("list --title", "dumpxml evil", "domstate 'no\x1b[2Jsuch\x07\x9b'"):
        shown, _ = seen("-c", uri, line, NO_COLOR="1")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown), shown
    shown, _ = seen("-c", uri, "list --title --all")
    assert "a\\u202eb\\x9b2J日本" in shown


def test_harmless() -> None:
    assert harmless("plain\ttext\n日本 é") == "plain\ttext\n日本 é"
    assert harmless("\x1b[0m\x00\x7f\x9b") == "\\x1b[0m\\x00\\x7f\\x9b"
    assert harmless("a\u202eb\udcff") == "a\\u202eb\\xff"
