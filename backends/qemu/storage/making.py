"""Volumes that are being made: what a killed process leaves half made is removed by whoever comes next.

A file in run/storage/BOOT says which file is being made, and is locked by whoever makes it. It names the file by its
inode too: one that somebody else has put there meanwhile is his.
"""

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..driver import QemuDriver

SUFFIX = ".making"
#: In place of the inode of a file that is about to be made.
NOT_YET = 0


@contextmanager
def making(driver: "QemuDriver", path: str, claim: "Callable[[], None]") -> "Iterator[None]":
    """Say that `path` is being made, while the block runs; `claim` makes it, empty, or fails if it is there."""
    import hashlib

    host, name = driver.host, hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    mark = f"{driver.store.beside('storage')[1]}/{name}{SUFFIX}"

    def say(inode: int) -> None:
        host.write(mark, f"{inode} {path}".encode("utf-8", "surrogateescape"), durable=False)

    with driver.store.lock(f"making-{name}", "storage volume"):
        say(NOT_YET)
        try:
            claim()
            stat = host.stat(path)
            say(stat.inode if stat is not None else NOT_YET)
            yield
        finally:
            host.remove(mark)


def sweep(driver: "QemuDriver") -> None:
    """Remove what nobody is making any more."""
    host, folder = driver.host, driver.store.beside("storage")[1]
    for file, data in host.read_all(folder, SUFFIX).items():
        name = file.removesuffix(SUFFIX)
        try:
            lock = host.lock(f"{driver.places.run}/making-{name}.lock", 0)
        except TimeoutError:
            continue
        with lock:
            if host.stat(f"{folder}/{file}") is None:
                continue  # it was ended meanwhile
            inode, _, path = data.decode("utf-8", "surrogateescape").partition(" ")
            stat = host.stat(path)
            empty = stat is not None and stat.size == 0
            if stat is not None and (stat.inode == int(inode) or (int(inode) == NOT_YET and empty)):
                host.remove(path)
            host.remove(f"{folder}/{file}")
