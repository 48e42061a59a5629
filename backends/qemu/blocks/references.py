"""Which files a driver's domains and their snapshots need: what is in here is never removed."""

from ... import errors
from ...xml.storage import LONGEST_CHAIN
from .. import definitions
from ..guests import Guests
from . import chains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...hosts import Host
    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ...xml.resources.snapshot import Snapshot
    from ..driver import QemuDriver
    from ..guests import Guest

    Owner = tuple[bytes, str]


class Use:
    """Somebody's use of a chain of images, the uppermost first: `owner` is a domain's uuid; `snapshot` is set where one
    says so, `saved` where a saved guest does."""

    def __init__(self, owner: bytes, files: "list[str]", snapshot: "Snapshot | None" = None, saved: bool = False):
        self.owner, self.files, self.snapshot, self.saved = owner, files, snapshot, saved


def uses(driver: "QemuDriver") -> "list[Use]":
    """All uses of images by domains and snapshots."""
    found = []
    for guest in Guests(driver.store).by_uuid.values():
        for model, saved in _documents(driver, guest):
            found += [Use(guest.uuid, chain(driver.host, disk), None, saved) for disk in model.devices.disks]
        for moment in guest.snapshots.values():
            snapshot: Snapshot = moment.model
            for domain in (snapshot.domain, snapshot.inactive):
                disks = definitions.locate(driver.store, domain).devices.disks if domain is not None else []
                found += [Use(guest.uuid, chain(driver.host, disk), snapshot) for disk in disks]
    return found


def used(driver: "QemuDriver", but: "Owner | None" = None) -> "set[str]":
    """The images that anything refers to, those behind them too; `but` is a snapshot (of a domain's uuid) whose own
    images do not count."""
    found = {path for use in uses(driver) for path in use.files}
    for guest in Guests(driver.store).by_uuid.values():
        for name, moment in guest.snapshots.items():
            if (guest.uuid, name) != but:
                found.update(files(moment.model))
    return found


def _documents(driver: "QemuDriver", guest: "Guest") -> "Iterator[tuple[Domain, bool]]":
    """Everything that says what a domain is: defined, running, saved (which is told)."""
    store = driver.store
    try:
        if guest.persistent:
            yield definitions.read_definition(store, guest.name), False
        if guest.active:
            yield definitions.read_live(store, guest.uuid), False
        if guest.managed_save:
            from ..images import Image

            saved = Image.read(driver.host, driver.places.saved(guest.name)).model()
            yield definitions.locate(store, saved), True
    except (FileNotFoundError, errors.VirtError):
        return


def files(snapshot: "Snapshot") -> "list[str]":
    """The images that a snapshot made: what was written since is in them."""
    entries = [*snapshot.disks, *snapshot.revert_disks]
    return [entry.path for entry in entries if entry.snapshot == "external" and entry.path]


def chain(host: "Host", disk: "Disk") -> "list[str]":
    """The images of a disk, those it says and those its images say."""
    found: list[str] = []
    last = None
    for last in chains.layers(disk):
        found.append(chains.name_of(last))
    while last is not None and chains.below(last) is None and last.source.path and len(found) < LONGEST_CHAIN:
        try:
            last = chains.backing(host, last.source.path, chains.format_of(last))
        except (OSError, errors.VirtError):
            break
        if last is None or not last.type:
            break
        found.append(str(last.source.path))
    return found
