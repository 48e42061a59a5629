"""What tests of running guests look at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vsh.backends.errors import VirtError
from vsh.backends.qemu.store import Running
from vsh.backends.records import DomainRef


def code(call: Callable[[], object]) -> int:
    """The number of the error that `call` raises."""
    with pytest.raises(VirtError) as caught:
        call()
    return caught.value.code


def process_of(root: Path, ref: DomainRef) -> Running:
    """What is recorded of a domain's process."""
    return Running.load((root / "e/run/qemu" / f"{ref.uuid.hex()}.state").read_bytes())


def left_behind(root: Path) -> list[str]:
    """Files of runs that are over."""
    places = [root / "e/lib/qemu", root / "e/run/qemu"]
    kept = {"format", "index", "channel", "target", "driver.pid", "domains.lock", "next-id", "events", "ram"}
    kept.add("autostarted")
    names = [path.name for place in places for path in place.rglob("*") if path.name not in kept]
    return [name for name in names if not name.endswith((".state", ".lock", ".journal.out"))]


def run_files(root: Path, ref: DomainRef) -> list[str]:
    """What is in run/ of a domain, its journals aside."""
    names = [path.name for path in (root / "e/run/qemu").iterdir()]
    return [name for name in names if ref.uuid.hex() in name and not name.endswith(".journal.out")]
