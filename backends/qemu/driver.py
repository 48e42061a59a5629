"""The driver and its connections."""

from .. import driver, errors
from ..hosts import BOOT_ID
from ..hosts.local import LocalHost
from .index import CALLS
from .info import InfoCalls
from .listing import ListingCalls
from .places import Places
from .store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .. import records
    from ..credentials import Ask
    from ..events import Subscription
    from ..hosts import Host, Lock
    from ..uri import Uri
    from .settings import Settings
    from .watch import Watch

#: Query parameters that are understood; others are refused.
PARAMETERS = ("mode", "root")
#: The file in run/ that holds the boot id under which guests were last started by themselves.
AUTOSTARTED = "autostarted"


class QemuConnection(ListingCalls, InfoCalls):
    """One session: what listing and inspecting need; the rest is in `parts`."""

    parts = (
        "vsh.backends.qemu.define:DefineCalls",
        "vsh.backends.qemu.lifecycle:LifecycleCalls",
        "vsh.backends.qemu.native:NativeCalls",
        "vsh.backends.qemu.console:ConsoleCalls",
        "vsh.backends.qemu.control:ControlCalls",
        "vsh.backends.qemu.vcpus:VcpuCalls",
        "vsh.backends.qemu.agent.calls:AgentCalls",
        "vsh.backends.qemu.pincalls:PinCalls",
        "vsh.backends.qemu.tunables:TunableCalls",
        "vsh.backends.qemu.migration.leaving:LeavingCalls",
        "vsh.backends.qemu.migration.arriving:ArrivingCalls",
        "vsh.backends.qemu.migration.movejobs:MoveJobCalls",
        "vsh.backends.qemu.save:SaveCalls",
        "vsh.backends.qemu.saved:SavedCalls",
        "vsh.backends.qemu.plugs.calls:HotplugCalls",
        "vsh.backends.qemu.blocks.blockjobs:BlockJobCalls",
        "vsh.backends.qemu.blocks.throttle:ThrottleCalls",
        "vsh.backends.qemu.blocks.checkpoints:CheckpointCalls",
        "vsh.backends.qemu.blocks.thresholds:ThresholdCalls",
        "vsh.backends.qemu.blocks.backups:BackupCalls",
        "vsh.backends.qemu.snapshots.calls:SnapshotCalls",
        "vsh.backends.qemu.snapshots.reverting:RevertCalls",
        "vsh.backends.qemu.snapshots.deleting:DeleteCalls",
        "vsh.backends.qemu.dump:DumpCalls",
        "vsh.backends.qemu.statistics:StatisticsCalls",
        "vsh.backends.qemu.metadata:MetadataCalls",
        "vsh.backends.qemu.host.node:NodeCalls",
        "vsh.backends.qemu.secret_calls:SecretCalls",
        "vsh.backends.qemu.host.hostcaps:CapabilityCalls",
        "vsh.backends.qemu.storage.pool_calls:PoolCalls",
        "vsh.backends.qemu.storage.volume_calls:VolumeCalls",
        "vsh.backends.qemu.storage.sources:SourceCalls",
    )
    index = CALLS
    migration = "vsh"
    _watch: "Watch | None" = None
    _started: "list[driver.Autostarted] | None" = None

    def open(self, ask: "Ask | None") -> None:
        """Begin; the first to come after a start of the machine, unless only to look, starts what is to start then."""
        if not self.readonly:
            self.driver.settle_down()
        self.notices += self.driver.notices
        self._moves, self._arrivals = {}, {}
        if not self.readonly and not self.driver.autostarted():
            from .autostart import autostart

            self._started = autostart(self.driver)

    def autostart(self) -> "list[driver.Autostarted]":
        """What this connection started when it was opened; if somebody else was at it, wait until that is done."""
        from .autostart import autostart

        started, self._started = self._started, None
        return started or autostart(self.driver, wait=True)

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "Subscription":
        """Have `callback` called for events of `kind`, whichever process brings them about."""
        from .watch import Watch

        if ref is not None and kind.startswith("domain_"):
            ref = self._guest(ref).ref
        self._watch = self._watch or Watch(self.driver)
        return self._watch.subscribe(kind, ref, callback)

    def subscribe_monitor(
        self, event: "str | None", ref: "Any", callback: "Callable[[Any], None]", flags: int = 0
    ) -> "Subscription":
        """The same for what QEMU itself tells."""
        from .watch import Watch, wanted

        chosen = wanted(event, flags)
        ref = self._guest(ref).ref if ref is not None else None
        self._watch = self._watch or Watch(self.driver)
        return self._watch.subscribe_monitor(ref, lambda told: callback(told) if chosen(told.event) else None)

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        for lock in self._moves.values():
            lock.release()
        super().close()


class QemuDriver(driver.Driver):
    """The guests of one root, user or system."""

    connection_class = QemuConnection

    host: "Host"
    places: Places
    store: Store
    _presence: "Lock | None" = None

    def __init__(self, uri: "Uri"):
        """Raises VirtError for a parameter that nobody knows."""
        super().__init__(uri)
        #: what the user should know about how the host is reached
        self.notices: list[str] = []
        self._settings: Settings | None = None
        unknown = [name for name in uri.params if name not in (*PARAMETERS, *_ways(uri))]
        if unknown:
            raise errors.virt_error(errors.INVALID_ARG, f"unknown parameter '{unknown[0]}' in '{uri.text}'")

    @classmethod
    def key(cls, uri: "Uri") -> str:
        place = f"{uri.path} {uri.params.get('root', '')}"
        if not uri.host:
            return place
        ways = [f"{name}={uri.params[name]}" for name in _ways(uri) if name in uri.params]
        return " ".join([f"{uri.user}@{uri.host}:{uri.port}", *ways, place])

    def start(self, ask: "Ask | None") -> None:
        """Raises VirtError when the host cannot be reached, the URI leads nowhere or its folders cannot be used."""
        self.host = self._reach(ask)
        try:
            self.places = Places.of(self.uri, self.host)
            self.store = Store(self.host, self.places)
            self._presence = self.store.open()
            if self.uri.params.get("mode") == "direct":
                self._tell_of_libvirt()
        except BaseException:
            self.host.close()
            raise

    def _tell_of_libvirt(self) -> None:
        """Whoever insists on this driver is to know what libvirt has, which is not seen here."""
        folders = Places.of_libvirt(self.uri, self.host)
        there = {folder: {name for name in self.host.listdir(folder) if name.endswith(".xml")} for folder in folders}
        names = set().union(*there.values())
        if names:
            where = " and ".join(f"'{folder}'" for folder in folders if there[folder])
            what = "a domain" if len(names) == 1 else f"{len(names)} domains"
            self.notices.append(f"libvirt has {what} of its own in {where}; without mode=direct libvirt is asked")

    def _reach(self, ask: "Ask | None") -> "Host":
        if not self.uri.host:
            return LocalHost()
        from .. import ssh
        from ..hosts.ssh import SshHost

        return SshHost(ssh.connect(self.uri, ask, self.notices.append))

    @property
    def settled(self) -> bool:
        """Whether all folders are there; whoever only looks makes none."""
        return self._presence is not None

    def settle_down(self) -> None:
        """Make what is missing. Raises VirtError."""
        if self._presence is None:
            self.store.make()
            self._presence = self.store.open()

    def stop(self) -> None:
        if self._presence is not None:
            self._presence.release()
        self.host.close()

    @property
    def settings(self) -> "Settings":
        """qemu.conf."""
        if self._settings is None:
            from .settings import Settings

            self._settings = Settings.read(self.host, self.places)
        return self._settings

    def autostarted(self) -> bool:
        """Whether guests have been started that are to start with the machine."""
        self.host.ahead(("read", f"{self.places.run}/{AUTOSTARTED}"), ("read", BOOT_ID))
        try:
            return self.host.read(f"{self.places.run}/{AUTOSTARTED}").decode("ascii", "replace") == self.host.boot_id()
        except FileNotFoundError:
            return False

    def user_prefix(self) -> list[str]:
        """What a command line begins with that is not to run as root."""
        user = self.settings.user()
        if user is None:
            return []
        uid, gid, name = user
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--init-groups" if name else "--clear-groups"]

    def give(self, *paths: str) -> None:
        """Let the user that guests run as have files and folders of ours."""
        owner = self.settings.owner()
        if owner is not None:
            for path in paths:
                self.host.give(path, owner)

    def lock(self, uuid: bytes) -> "Lock":
        """The lock of a domain, once all that was begun on its images has come to an end.

        Raises VirtError(OPERATION_TIMEOUT) when somebody has it for too long.
        """
        lock = self.store.lock_domain(uuid)
        try:
            from . import plans

            plans.settle(self, uuid)
        except BaseException:
            lock.release()
            raise
        return lock

    def publish(self, ref: "records.DomainRef", event: int, detail: int) -> None:
        """Tell whoever watches, in whatever process, of a lifecycle event."""
        self.tell("domain_event_lifecycle", ref, event, detail)

    def tell(self, kind: str, ref: "tuple[Any, ...]", *fields: object) -> None:
        """Tell whoever watches, in whatever process, of an event: its kind (events.KINDS), object, further fields."""
        from .told import tell

        tell(self, kind, ref, *fields)


def _ways(uri: "Uri") -> "tuple[str, ...]":
    """Parameters that decide how the host of `uri` is reached."""
    if not uri.host:
        return ()
    from .. import ssh

    return ssh.PARAMETERS
