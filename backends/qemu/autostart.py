"""Guests that start with the machine: once after each start of it, by whoever comes first."""

import time

from .. import errors
from .guests import Guests
from .secrets import forget_older_starts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import QemuDriver
    from .guests import Guest


def autostart(driver: "QemuDriver") -> None:
    """Start them; what fails is told in log/autostart.log and keeps no other from starting."""
    from .driver import AUTOSTARTED

    store, places = driver.store, driver.places
    try:
        lock = driver.host.lock(f"{places.run}/autostart.lock", 0)
    except TimeoutError:
        return  # somebody is at it
    with lock:
        if driver.autostarted():
            return
        wanted = {name.removesuffix(".xml") for name in driver.host.listdir(f"{places.etc}/autostart")}
        forget_older_starts(driver)
        _start_pools(driver)
        for guest in Guests(store):
            if guest.name in wanted and not guest.active:
                _start(driver, guest)
        driver.host.write(f"{places.run}/{AUTOSTARTED}", driver.host.boot_id().encode())


def _start_pools(driver: "QemuDriver") -> None:
    """Guests may have their disks in them."""
    if not driver.host.listdir(f"{driver.places.beside('storage')[0]}/autostart"):
        return
    from .storage.pool_calls import start_one
    from .storage.pools import Pools

    for pool in Pools(driver.store).all():
        if pool.autostart and not pool.active:
            try:
                start_one(driver, pool.ref)
            except (OSError, errors.VirtError) as error:
                _complain(driver, f"storage pool '{pool.name}'", error)


def _start(driver: "QemuDriver", guest: "Guest") -> None:
    from . import definitions
    from .launching import start

    try:
        with driver.lock(guest.uuid):
            now = Guests(driver.store).by_uuid.get(guest.uuid)
            if now is not None and now.persistent and not now.active:
                start(driver, definitions.read_definition(driver.store, now.name), paused=False)
    except (OSError, errors.VirtError) as error:
        _complain(driver, f"domain '{guest.name}'", error)


def _complain(driver: "QemuDriver", what: str, error: Exception) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S%z")
    text = f"{stamp}: Failed to autostart {what}: {error}\n"
    driver.host.append(f"{driver.places.log}/autostart.log", text.encode("utf-8", "surrogateescape"))
