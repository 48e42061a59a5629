"""The libvirt client: any driver behind a libvirt daemon, by libvirt's own protocol, without libvirt's library.

`dial` reaches the daemon, `channel` carries calls, `connection` is the contract; `events` and `stream` are imported
when they are used.
"""

from .. import driver
from .connection import LibvirtConnection


class LibvirtDriver(driver.Driver):
    """One daemon, as a URI names it."""

    connection_class = LibvirtConnection
