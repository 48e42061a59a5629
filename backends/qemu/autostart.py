"""Pools and guests that start with the machine: once after each start of it, by whoever comes first."""

import time

from .. import errors
from .guests import Guests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..driver import Autostarted
    from .driver import QemuDriver

#: Seconds that `autostart-all` waits for somebody else who is at it.
PATIENCE = 600.0


def autostart(driver: "QemuDriver", wait: bool = False) -> "list[Autostarted]":
    """Start them unless that was done; what was tried, and what came of it.

    What fails is told in log/autostart.log too, and keeps no other from starting. Who else is at it is waited for only
    if `wait`.
    """
    from .driver import AUTOSTARTED

    store, places = driver.store, driver.places
    try:
        lock = driver.host.lock(f"{places.run}/autostart.lock", PATIENCE if wait else 0)
    except TimeoutError:
        return []  # somebody is at it
    with lock:
        if driver.autostarted():
            return []
        wanted = {name.removesuffix(".xml") for name in driver.host.listdir(f"{places.etc}/autostart")}
        _forget_older_starts(driver)
        done = _start_pools(driver)
        for guest in Guests(store):
            if guest.name in wanted and not guest.active:
                uuid = guest.uuid
                done.append(_try(driver, "domain", guest.name, lambda uuid=uuid: _start(driver, uuid)))  # type: ignore[misc]
        driver.host.write(f"{places.run}/{AUTOSTARTED}", driver.host.boot_id().encode())
    return done


def _forget_older_starts(driver: "QemuDriver") -> None:
    """Remove what was known of ephemeral secrets and active pools before the machine started anew."""
    for what in ("secrets", "storage"):
        run, _, boot = driver.store.beside(what)[1].rpartition("/")
        older = [name for name in driver.host.listdir(run) if name != boot]
        driver.host.remove(*(f"{run}/{name}" for name in older))


def _start_pools(driver: "QemuDriver") -> "list[Autostarted]":
    """Guests may have their disks in them."""
    if not driver.host.listdir(f"{driver.store.beside('storage')[0]}/autostart"):
        return []
    from .storage.pool_calls import start_one
    from .storage.pools import Pools

    return [
        _try(driver, "storage pool", pool.name, lambda ref=pool.ref: start_one(driver, ref))  # type: ignore[misc]
        for pool in Pools(driver.store).all()
        if pool.autostart and not pool.active
    ]


def _start(driver: "QemuDriver", uuid: bytes) -> None:
    from . import definitions
    from .launching import start

    with driver.lock(uuid):
        now = Guests(driver.store).by_uuid.get(uuid)
        if now is not None and now.persistent and not now.active:
            start(driver, definitions.read_definition(driver.store, now.name), paused=False)


def _try(driver: "QemuDriver", kind: str, name: str, start: "Callable[[], None]") -> "Autostarted":
    try:
        start()
    except (OSError, errors.VirtError) as error:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S%z")
        text = f"{stamp}: Failed to autostart {kind} '{name}': {error}\n"
        driver.host.append(f"{driver.places.log}/autostart.log", text.encode("utf-8", "surrogateescape"))
        return kind, name, str(error)
    return kind, name, None
