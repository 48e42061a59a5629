"""How far a long call is, on a terminal and elsewhere."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.render.plain import PlainRenderer
from vsh.render.rich import Bar, clock, size


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def shown(width: int, *calls: tuple[float, int, int], label: str = "Upload", now: list[float]) -> str:
    out = io.StringIO()
    bar = Bar(Console(file=out, force_terminal=True, color_system=None, width=width))
    for at, remaining, total in calls:
        now[0] = 100.0 + at
        bar.show(label, remaining, total)
    bar.end()
    return out.getvalue()


def test_rate_and_time(clocked: list[float]) -> None:
    gib = 1 << 30
    text = shown(80, (0, 4 * gib, 4 * gib), (10, 3 * gib, 4 * gib), now=clocked)
    last = text.split("\r\x1b[2K")[-1]
    assert last == f"Upload: {'━' * 4}{'─' * 15}   25 %  1.0 GiB of 4.0 GiB  102.4 MiB/s  0:30 left\n"
    text = shown(80, (0, 4 * gib, 4 * gib), (10, 0, 4 * gib), now=clocked)
    assert "100 %  4.0 GiB of 4.0 GiB  409.6 MiB/s  0:10\n" in text


def test_lines_fit_and_come_seldom(clocked: list[float]) -> None:
    for width in (10, 20, 40):
        for piece in shown(width, (0, 500, 1000), (1, 250, 1000), now=clocked).split("\r\x1b[2K"):
            assert len(piece.rstrip("\n")) < width
    many = [(i / 1000, 1000 - i, 1000) for i in range(1000)]
    assert shown(80, *many, now=clocked).count("\r") <= 12


def test_hostile_labels_and_unknown_totals(clocked: list[float]) -> None:
    assert "\x1b[2J" not in shown(80, (0, 1, 2), label="a\x1b[2J", now=clocked)
    assert shown(80, (0, 0, 0), now=clocked) == ""
    assert "  0 %" in shown(80, (0, 5, 0), now=clocked)


def test_units() -> None:
    assert [size(n) for n in (0, 1023, 1024, 10**9, 5 << 40)] == ["0 B", "1023 B", "1.0 KiB", "953.7 MiB", "5.0 TiB"]
    assert [clock(n) for n in (0, 59.9, 61, 3723)] == ["0:00", "0:59", "1:01", "1:02:03"]


def test_virshs_bytes_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    plain = PlainRenderer(quiet=False, timing=False)
    for remaining, total in ((0, 0), (100, 100), (1, 100), (0, 100)):
        plain.progress("Block Copy", remaining, total)
    assert capsys.readouterr().err == "\rBlock Copy: [  0 %]\rBlock Copy: [ 99 %]\rBlock Copy: [100 %]"


@pytest.fixture
def volume(side: Side, libvirtd_root: Libvirtd) -> Iterator[tuple[str, str]]:
    """A daemon's URI, and a volume of 32 MiB there."""
    uri, folder = libvirtd_root.uri("qemu"), libvirtd_root.directory / "progress"
    made = side.virsh("-c", uri, f"pool-create-as progress dir --target {folder} --build; vol-create-as progress v 32M")
    assert made.status == 0, made.stderr
    yield uri, f"{folder}/v"
    side.virsh("-c", uri, "vol-delete v progress; pool-destroy progress")
    folder.rmdir()


def test_a_download_on_a_terminal(side: Side, volume: tuple[str, str], tmp_path: Path) -> None:
    """Its rate, within the width that the terminal has, without colours if asked; Ctrl-C ends it."""
    uri, name = volume
    os.mkfifo(tmp_path / "slow")
    env = {"TERM": "xterm", "NO_COLOR": "1"}
    terminal = side.terminal("vsh", "-c", uri, "vol-download", name, f"{tmp_path}/slow", env=env)
    with terminal, (tmp_path / "slow").open("rb", buffering=0) as reader:

        def read_slowly() -> None:
            for _ in range(32):
                reader.read(1 << 16)
                time.sleep(0.02)

        read_slowly()
        terminal.expect("Download: ")
        shown = terminal.expect("MiB/s")
        assert "of 32.0 MiB" in shown and "\x1b[3" not in shown
        terminal.resize(40)
        read_slowly()
        terminal.send("\x03")
        rest, status = terminal.finish()
    assert status == 130 and "Traceback" not in rest
    last = rest.split("\r\x1b[2K")[-1]
    assert rest.endswith("\n")
    assert last.startswith("Download: ") and len(last.partition("^C")[0].strip()) < 40


def test_an_upload_is_told_on_terminals_alone(side: Side, volume: tuple[str, str], tmp_path: Path) -> None:
    uri, name = volume
    (tmp_path / "data").write_bytes(bytes(5 << 20))
    words = ["-c", uri, "vol-upload", name, f"{tmp_path}/data"]
    with side.terminal("vsh", *words, env={"TERM": "xterm", "NO_COLOR": "1"}) as terminal:
        shown, status = terminal.finish()
    assert status == 0 and "100 %  5.0 MiB of 5.0 MiB" in shown
    with side.terminal("vsh", "-q", *words, env={"TERM": "xterm"}) as terminal:
        assert terminal.finish() == ("", 0)
    side.assert_same(*words)
