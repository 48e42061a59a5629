"""What the benchmarks share: an installed vsh, interleaved timing, tables of ratios.

Importing it makes the helpers of `tests.live` importable and usable. Needs the packages of the `test` extra.
"""

import atexit
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.live import answers  # noqa: E402

answers.begin()
atexit.register(answers.end)


def install_vsh(directory: Path) -> Path:
    """Build sdist and wheel, install the wheel in a new environment below `directory`; return its `bin`.

    Never editable: the finder of an editable install costs start-up time that users do not pay.
    """
    dist, environment = directory / "dist", directory / "venv"
    for argv in (
        [sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT)],
        [sys.executable, "-m", "venv", str(environment)],
    ):
        _quietly(argv)
    wheel = next(dist.glob("*.whl"))
    _quietly([str(environment / "bin/python"), "-m", "pip", "install", "--quiet", str(wheel)])
    return environment / "bin"


def medians(commands: Mapping[str, Sequence[str]], env: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Median seconds of each command over `rounds`, in which they take turns so that all meet the same machine.

    One run before the first round is not counted. Raises RuntimeError when a command fails.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, argv in commands.items():
            start = time.perf_counter()
            done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            elapsed = time.perf_counter() - start
            if done.returncode:
                raise RuntimeError(f"{name}: {done.stderr.strip()}")
            if number:
                times[name].append(elapsed)
    return {name: statistics.median(taken) for name, taken in times.items()}


def print_ratios(title: str, seconds: Mapping[str, float], reference: str = "virsh") -> None:
    """Print medians in milliseconds, each with its ratio to that of `reference`."""
    print(title)
    for name, median in seconds.items():
        print(f"  {name:<16}{median * 1000:10.1f} ms{median / seconds[reference]:8.2f} x")


def _quietly(argv: list[str]) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")
