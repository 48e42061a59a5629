"""What QEMU's programs answer about themselves: asked once in a run, not once for each daemon and driver.

libvirtd and vsh keep such answers in a folder of their cache, each entry with the program that it came from.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

VARIABLE = "VSH_TEST_ANSWERS"  # the folder of this run, which its workers inherit


def begin() -> None:
    """Make the folder."""
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="vsh-answers-", dir="/tmp")
    os.chmod(os.environ[VARIABLE], 0o755)


def end() -> None:
    """Remove it."""
    shutil.rmtree(os.environ.pop(VARIABLE), ignore_errors=True)


def keep(folder: Path, asker: str, uid: int) -> None:
    """Let `folder`, which is not there yet, be the one of all askers of that name, who run as `uid`."""
    shared = Path(os.environ[VARIABLE], asker)
    if not shared.exists():
        shared.mkdir(mode=0o755, exist_ok=True)
        os.chown(shared, uid, -1)
    for parent in reversed(folder.parents):
        if not parent.exists():
            parent.mkdir(mode=0o711)
    folder.symlink_to(shared)


def ask_once(asker: str, argv: list[str]) -> None:
    """Run `argv`, which has `asker` ask all there is to ask, unless another of its name was made to before.

    Those who come meanwhile wait for it.
    """
    with Path(os.environ[VARIABLE], f"{asker}.asked").open("a+") as done:
        fcntl.flock(done, fcntl.LOCK_EX)
        if not done.tell():
            subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=100, check=False)
            done.write("yes")
