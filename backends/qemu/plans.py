"""What somebody is about to do to a domain's images, written down before it is done.

Whoever is killed in between leaves the plan; the next who takes the domain's lock ends what it began (`settle`): undone
where nothing was lost yet, else carried through. A plan is a file of rows in lib/plan/, so that it survives a restart
of the machine.
"""

from .. import errors
from . import ending, lines
from .store import FORMAT, too_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import QemuDriver

#: verb -> the function that ends such a plan: (driver, plan)
_SETTLERS = {
    "rename": "vsh.backends.qemu.define:settle_rename",
    "create": "vsh.backends.qemu.snapshots.calls:settle",
    "revert": "vsh.backends.qemu.snapshots.reverting:settle",
    "checkpoint": "vsh.backends.qemu.blocks.checkpoints:settle_creation",
    "forget": "vsh.backends.qemu.blocks.checkpoints:settle_deletion",
    "delete": "vsh.backends.qemu.snapshots.deleting:settle",
    "save": "vsh.backends.qemu.save:settle",
    "dump": "vsh.backends.qemu.dump:settle",
}


class Plan:
    """One: `told` is what its verb needs to know, name -> values; `phase` is how far it came."""

    def __init__(self, driver: "QemuDriver", uuid: bytes, verb: str, told: "dict[str, list[str]]", phase: str = ""):
        self._driver = driver
        self.uuid = uuid
        self.verb = verb
        self.told = told
        self.phase = phase

    def write(self, phase: str = "") -> None:
        """Write it down, before the next step; `phase` is what has been reached."""
        self.phase = phase or self.phase
        path = _path(self._driver, self.uuid)
        rows = [["format", str(FORMAT)], ["verb", self.verb], ["phase", self.phase]]
        rows += [[f"={name}", *values] for name, values in self.told.items()]
        self._driver.host.make_folders([path.rpartition("/")[0]])
        self._driver.host.write(path, lines.dump(rows))

    def clear(self) -> None:
        """All is done, or undone."""
        self._driver.host.remove(_path(self._driver, self.uuid))


def _path(driver: "QemuDriver", uuid: bytes) -> str:
    return f"{driver.places.lib}/plan/{uuid.hex()}"


def verb(driver: "QemuDriver", uuid: bytes) -> str:
    """What somebody is at with a domain, or was; "" for nothing."""
    try:
        rows = {row[0]: row[1:] for row in lines.load(driver.host.read(_path(driver, uuid)))}
    except FileNotFoundError:
        return ""
    return rows["verb"][0]


def pending(driver: "QemuDriver", uuid: bytes) -> bool:
    """Whether somebody is at a domain's images, or was."""
    return driver.host.stat(_path(driver, uuid)) is not None


def settle(driver: "QemuDriver", uuid: bytes) -> None:
    """End what somebody began who is no more; call it with the domain's lock. Raises VirtError."""
    try:
        data = driver.host.read(_path(driver, uuid))
    except FileNotFoundError:
        return
    rows = {row[0]: row[1:] for row in lines.load(data)}
    if int(rows["format"][0]) > FORMAT:
        raise too_new(rows["format"][0])
    verb = rows["verb"][0]
    if verb not in _SETTLERS:
        raise errors.virt_error(errors.INTERNAL_ERROR, f"nobody knows how to '{verb}'", domain=errors.FROM_QEMU)
    ending.tidy(driver, uuid)
    told = {name[1:]: values for name, values in rows.items() if name.startswith("=")}
    module, _, function = _SETTLERS[verb].partition(":")
    plan = Plan(driver, uuid, verb, told, rows["phase"][0])
    try:
        getattr(__import__(module, fromlist=[function]), function)(driver, plan)
    except errors.VirtError:
        # It is told once; what cannot be ended must not be in everybody's way for ever.
        plan.clear()
        raise
