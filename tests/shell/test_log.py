"""-d, VIRSH_DEBUG, -l and VIRSH_LOG_FILE, beside virsh."""

import re
from pathlib import Path

import pytest

from tests.live.side import Side
from vsh.commands.context import Context
from vsh.commands.declare import Data, Opt, command
from vsh.log import Log
from vsh.parser import Parsed

HOST = ["-c", "test:///default"]
LINES = [
    "domstate test", "list --all --title", "domstate nosuch; domstate 1 --reason", "nosuch", "uri",
    "domstate 6695eb01-f6a4-8304-79aa-97f2502e193f", "net-dumpxml nosuch", "pool-uuid 'a b'",
]  # fmt: skip


def lines(path: Path) -> list[str]:
    """A log without what differs by nature."""
    found = re.findall(r"(?m)^\[\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d v(?:ir)?sh \d+\] (.*)$", path.read_text())
    assert len(found) == len(path.read_text().splitlines())
    path.unlink()
    return found


@pytest.mark.parametrize("level", ["0", "1", "4"])
def test_as_virsh(side: Side, tmp_path: Path, level: str) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for line in LINES:
        wanted = side.virsh("-d", level, "-l", str(theirs), *HOST, line)
        assert side.vsh("-d", level, "-l", str(ours), *HOST, line) == wanted
        if wanted.stderr or level != "4":
            assert lines(ours) == lines(theirs), line


def test_environment(side: Side, tmp_path: Path) -> None:
    path = tmp_path / "log"
    seen = side.vsh(*HOST, "domstate", "test", env={"VIRSH_LOG_FILE": str(path), "VIRSH_DEBUG": "1"})
    wanted = side.virsh(*HOST, "domstate", "test", env={"VIRSH_LOG_FILE": "/dev/null", "VIRSH_DEBUG": "1"})
    assert seen == wanted and len(lines(path)) == 3
    for value in ("5", "x", "-1"):
        side.assert_same(*HOST, "uri", env={"VIRSH_DEBUG": value})
    side.assert_same("-l", "/nonexistent/log", *HOST, "uri")
    side.assert_same("-q", "-d", "1", *HOST, stdin="domstate test\n")


def test_data_stays_clean(side: Side) -> None:
    assert side.vsh("-d", "0", "--format", "json", *HOST, "uri").stdout.startswith('{"schema_version"')


def test_file_is_private(side: Side, tmp_path: Path) -> None:
    side.vsh("-l", str(tmp_path / "log"), *HOST, "nosuch")
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


@command("confide", "virsh", [Data("name"), Opt("password", secret=True)])
def confide(ctx: Context, name: str, password: str = "") -> None:
    """Tell a secret."""


def test_secrets_are_not_logged(tmp_path: Path) -> None:
    log = Log("vsh", 0, str(tmp_path / "log"), (tmp_path / "told").open("w"))
    log.given([Parsed(confide.command, {"name": "x", "password": "hush"})])  # type: ignore[attr-defined]
    assert lines(tmp_path / "log") == ["INFO confide: name(optdata): x", "INFO confide: password(optdata): ***"]
    assert "hush" not in (tmp_path / "told").read_text()
