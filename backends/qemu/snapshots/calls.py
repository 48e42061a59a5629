"""Snapshots: taking them."""

import time

from ... import errors
from ...constants import domain as const
from ...moment_queries import SNAPSHOT, SnapshotQueries, redefined, snapshot_ref
from .. import definitions, ending
from ..base import QemuBase, call, fail
from ..blocks import trees
from ..guests import Guests
from ..lifecycle import monitor_of
from ..plans import Plan
from ..save import begin_image, check_target, finish_image, forget_part, go_on
from . import internal, overlays
from .taking import prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...records import DomainRef, DomainSnapshotRef
    from ...xml.resources.snapshot import Snapshot
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..store import Store

REDEFINE = const.DOMAIN_SNAPSHOT_CREATE_REDEFINE
NO_METADATA = const.DOMAIN_SNAPSHOT_CREATE_NO_METADATA
CREATE = (
    REDEFINE
    | NO_METADATA
    | const.DOMAIN_SNAPSHOT_CREATE_CURRENT
    | const.DOMAIN_SNAPSHOT_CREATE_HALT
    | const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    | const.DOMAIN_SNAPSHOT_CREATE_REUSE_EXT
    | const.DOMAIN_SNAPSHOT_CREATE_QUIESCE
    | const.DOMAIN_SNAPSHOT_CREATE_ATOMIC
    | const.DOMAIN_SNAPSHOT_CREATE_LIVE
    | const.DOMAIN_SNAPSHOT_CREATE_VALIDATE
)


class SnapshotCalls(QemuBase, SnapshotQueries):
    """Snapshots: what is asked, and taking them."""

    @call("qemuSnapshotCreateXML", CREATE)
    def domain_snapshot_create_xml(self, dom: "DomainRef", xml_desc: str, flags: int = 0) -> "DomainSnapshotRef":
        from ...xml.resources.snapshot import Snapshot
        from ..argv.refused import refuse_newer

        _check_flags(flags)
        quiesce = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_QUIESCE)
        validate = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_VALIDATE)
        redefine = bool(flags & REDEFINE)
        rules = definitions.StoredRules()
        model = Snapshot.read_text(xml_desc, rules, int(time.time()), redefine, validate)
        refuse_newer(model)
        if not flags & NO_METADATA:
            _check_name(model.name)
        if quiesce:
            freeze(self, dom)
        try:
            with self._lock(dom):
                guest = self._guest(dom)
                if redefine:
                    _redefine(self.driver.store, guest, model, bool(flags & const.DOMAIN_SNAPSHOT_CREATE_CURRENT))
                else:
                    _take(self.driver, guest, model, flags)
            now = Guests(self.driver.store).by_uuid.get(dom.uuid)
            return snapshot_ref(now.ref if now is not None else dom, model.name)
        finally:
            if quiesce:
                self.domain_fsthaw(dom, [], 0)


def _check_flags(flags: int) -> None:
    """Raises INVALID_ARG."""
    prefix, text = "VIR_DOMAIN_SNAPSHOT_CREATE_", ""
    if flags & const.DOMAIN_SNAPSHOT_CREATE_QUIESCE and not flags & const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY:
        text = f"Flag '{prefix}DISK_ONLY' is required by flag '{prefix}QUIESCE'"
    elif flags & const.DOMAIN_SNAPSHOT_CREATE_LIVE and flags & REDEFINE:
        text = f"Flags '{prefix}LIVE' and '{prefix}REDEFINE' are mutually exclusive"
    if text:
        raise errors.VirtError(errors.INVALID_ARG, text)


def _check_name(name: str) -> None:
    """Raises XML_DETAIL for a name that cannot be a file's."""
    bad = "name can't contain '/'" if "/" in name else "name can't start with '.'" if name[:1] == "." else ""
    if bad:
        raise errors.virt_error(errors.XML_DETAIL, f"invalid snapshot name '{name}': {bad}", domain=errors.FROM_QEMU)


def freeze(calls: QemuBase, dom: "DomainRef") -> None:
    """Have the guest write down what it has, and write nothing more. Raises VirtError."""
    calls._active(dom)
    try:
        calls.domain_fsfreeze(dom, [], 0)
    except errors.VirtError as error:
        if error.code != errors.NO_SUPPORT:
            raise
        raise fail(errors.ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured") from None


def _redefine(store: "Store", guest: "Guest", model: "Snapshot", current: bool) -> None:
    tree = guest.snapshots
    made = redefined(tree, model, guest.uuid)
    before = tree.current
    if current:
        tree.current = made
    tree.link(made)
    trees.write(store, SNAPSHOT, guest.name, tree, made, before if before is not made else None)


def _take(driver: "QemuDriver", guest: "Guest", model: "Snapshot", flags: int) -> None:
    """A new snapshot of a domain; call it with the domain's lock. Raises VirtError, and all is as before."""
    tree = guest.snapshots
    prepare(driver, guest, model, flags)
    tree.assign(model)
    model.parent = tree.current.name if tree.current else None
    assert model.domain is not None
    record = guest.record
    first = record.nodes + 1 if record is not None and guest.active else 0
    reuse = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_REUSE_EXT)
    told = overlays.wanted(model, model.domain, first, reuse)
    if record is not None and first and told:
        record.nodes += len(told)
        driver.store.write_running(record)
    names = internal.targets(model)
    told["name"], told["xml"] = [model.name], [model.format("", secure=True)]
    told["internal"], told["images"] = names, internal.paths(driver.store, model.domain, names)
    told["metadata"] = [str(int(not flags & NO_METADATA))]
    told["memory"] = []
    if model.memory == "external" and model.memory_file:
        told["memory"] = [check_target(driver.host, model.memory_file)]
    pause = model.memory != "no" and guest.state == const.DOMAIN_RUNNING
    told["resume"] = [str(int(pause))]
    halt = bool(flags & const.DOMAIN_SNAPSHOT_CREATE_HALT) and guest.active
    told["halt"] = [str(int(halt))]
    plan = Plan(driver, guest.uuid, "create", told)
    plan.write()
    try:
        if guest.active:
            _take_live(driver, guest, model, plan, bool(flags & const.DOMAIN_SNAPSHOT_CREATE_LIVE))
        elif names:
            internal.take_offline(driver.host, told["images"], model.name)
        else:
            overlays.take_offline(driver, guest, plan)
        if not flags & NO_METADATA:
            _keep(driver.store, guest.name, model)
    except BaseException:
        settle(driver, plan)
        raise
    _go_on(driver, guest, plan, done=True)
    plan.clear()


def _take_live(driver: "QemuDriver", guest: "Guest", model: "Snapshot", plan: Plan, live: bool) -> None:
    pause = plan.told["resume"] == ["1"]
    memory = (plan.told["memory"] or [""])[0]
    if memory:
        image = begin_image(driver, guest, memory, pause, "snapshot")
    if pause and not live:
        with monitor_of(driver, guest) as monitor:
            monitor.execute("stop")
    if memory:
        finish_image(driver, guest, memory, image, "snapshot job")
        plan.write("saved")
    with monitor_of(driver, guest) as monitor:
        if plan.told["internal"]:
            running = definitions.read_live(driver.store, guest.uuid)
            internal.take_live(monitor, running, plan.told["internal"], model.name)
        else:
            overlays.take_live(driver, guest, plan, monitor)


def _keep(store: "Store", domain: str, model: "Snapshot") -> None:
    """Add a snapshot to its tree's file, as the current one."""
    tree = trees.load(store, SNAPSHOT, domain)
    if model.name not in tree:
        tree.link(tree.assign(model))
    before, tree.current = tree.current, tree[model.name]
    trees.write(store, SNAPSHOT, domain, tree, tree.current, before if before is not tree.current else None)


def _go_on(driver: "QemuDriver", guest: "Guest", plan: Plan, done: bool) -> None:
    """Let the domain run on, or end as it was to."""
    record = guest.record
    if record is None or not guest.active:
        return
    if done and plan.told["halt"] == ["1"]:
        with monitor_of(driver, guest) as monitor:
            monitor.execute("stop")
        ending.stop(driver, guest, const.DOMAIN_SHUTOFF_FROM_SNAPSHOT)
    elif plan.told["resume"] == ["1"]:
        with monitor_of(driver, guest) as monitor:
            if not monitor.execute("query-status")["running"]:
                monitor.execute("cont")


def settle(driver: "QemuDriver", plan: Plan) -> None:
    """End a snapshot that somebody began to take: there is one, whole, or nothing of it."""
    guest = Guests(driver.store).by_uuid.get(plan.uuid)
    if guest is not None:
        _settle(driver, guest, plan)
    plan.clear()


def _settle(driver: "QemuDriver", guest: "Guest", plan: Plan) -> None:
    told = plan.told
    name = told["name"][0]
    if told["internal"]:
        done = name in guest.snapshots
        if not done:
            internal.drop(driver, guest, told["internal"], name, told["images"])
    else:
        done = overlays.settle(driver, guest, plan) and (not told["memory"] or bool(plan.phase))
    if done and told["metadata"] == ["1"]:
        from ...xml.resources.snapshot import Snapshot

        model = Snapshot.read_text(told["xml"][0], definitions.StoredRules(), 0, True, False)
        _keep(driver.store, guest.name, model)
    elif not done:
        if told["memory"] and guest.active:
            with monitor_of(driver, guest) as monitor:
                go_on(monitor, told["resume"] == ["1"])
        for path in told["memory"]:
            forget_part(driver.host, plan.uuid, path)
        if plan.phase:
            driver.host.remove(*told["memory"])
    _go_on(driver, guest, plan, done)
