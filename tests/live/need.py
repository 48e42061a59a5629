"""What happens when a live test cannot run: it is skipped, or fails where VSH_LIVE=1 promises that it can."""

import os
import shutil
import subprocess
from typing import NoReturn

import pytest

# Daemons and network tools live in the system directories, which a plain user's PATH may lack.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def unavailable(reason: str) -> NoReturn:
    """Skip the running test with `reason`; fail it when VSH_LIVE=1."""
    if os.environ.get("VSH_LIVE") == "1":
        pytest.fail(f"{reason} (VSH_LIVE=1 demands it)", pytrace=False)
    pytest.skip(reason)


def need(*programs: str) -> None:
    """Demand `programs` (names looked up on the system's path) for the running test or fixture."""
    missing = [program for program in programs if shutil.which(program, path=SYSTEM_PATH) is None]
    if missing:
        unavailable(f"not installed: {', '.join(missing)}")


def need_root() -> None:
    """Demand root, with the right to make mount namespaces, for the running test or fixture."""
    if os.geteuid() != 0:
        unavailable("needs root")
    need("unshare")
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, timeout=30)
    if probe.returncode:
        unavailable(probe.stderr.strip())
