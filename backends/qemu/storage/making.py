"""Volumes that are being made: what a killed process leaves half made is removed by whoever comes next.

A file in run/storage/BOOT says which path is being made, and is locked by whoever makes it.
"""

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..driver import QemuDriver

SUFFIX = ".making"


def _folder(driver: "QemuDriver") -> str:
    return f"{driver.places.beside('storage')[1]}/{driver.host.boot_id()}"


@contextmanager
def making(driver: "QemuDriver", path: str) -> "Iterator[None]":
    """Say that `path`, which does not exist, is being made, for as long as the block runs."""
    import hashlib

    host, name = driver.host, hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    mark = f"{_folder(driver)}/{name}{SUFFIX}"
    with driver.store.lock(f"making-{name}", "storage volume"):
        host.write(mark, path.encode("utf-8", "surrogateescape"), durable=False)
        try:
            yield
        finally:
            host.remove(mark)


def sweep(driver: "QemuDriver") -> None:
    """Remove what nobody is making any more."""
    host, folder = driver.host, _folder(driver)
    for file, data in host.read_all(folder, SUFFIX).items():
        name = file.removesuffix(SUFFIX)
        try:
            lock = host.lock(f"{driver.places.run}/making-{name}.lock", 0)
        except TimeoutError:
            continue
        with lock:
            if host.stat(f"{folder}/{file}") is not None:
                path = data.decode("utf-8", "surrogateescape")
                host.remove(path, f"{folder}/{file}")
