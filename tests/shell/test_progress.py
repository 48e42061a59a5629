"""How far a long call is, on a terminal and elsewhere."""

import io
import time

import pytest
from rich.console import Console

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
