"""Limits of what goes to and from disks."""

from ... import errors
from ...constants import domain as const
from ...iotune import RATES, TUNE, contradiction, told, too_much
from .. import definitions
from ..base import QemuBase, call, fail
from ..control import EITHER, change, impact
from ..lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...params import TypedParams
    from ...records import DomainRef
    from ...xml.disks import Disk, IoTune
    from ...xml.domain import Domain
    from ..qmp import Monitor

#: VIR_TYPED_PARAM_STRING_OKAY
STRING_OKAY = 4
_RATES = dict(zip(RATES, ("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), strict=True))
#: What is set together: naming one of them sets the others to 0.
_GROUPS = ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max")


class ThrottleCalls(QemuBase):
    """Limits of disks."""

    @call("qemuDomainGetBlockIoTune", EITHER | STRING_OKAY)
    def domain_get_block_io_tune(self, dom: "DomainRef", disk: "str | None", flags: int = 0) -> "TypedParams":
        guest, store = self._guest(dom), self.driver.store
        if not impact(guest, flags & EITHER) & const.DOMAIN_AFFECT_LIVE:
            found = _find(definitions.read_definition(store, guest.name), disk or "")
            if found is None:
                raise fail(errors.INVALID_ARG, f"disk '{disk}' was not found in the domain config")
            return told(found.iotune)
        found = _find(definitions.read_live(store, dom.uuid), disk or "")
        if found is None:
            raise fail(errors.INVALID_ARG, f"disk '{disk}' not found in domain")
        with monitor_of(self.driver, guest) as monitor:
            return told(_running(monitor, found))

    @call("qemuDomainSetBlockIoTune", EITHER)
    def domain_set_block_io_tune(self, dom: "DomainRef", disk: str, params: "TypedParams", flags: int = 0) -> None:
        for name, kind, _ in params.items:
            if name not in TUNE:
                raise errors.virt_error(errors.ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
            if TUNE[name] != kind:
                raise errors.virt_error(errors.INVALID_ARG, f"invalid type for parameter '{name}'")
        problem = too_much(params, errors.FROM_QEMU)
        if problem is not None:
            raise problem

        def edit(model: "Domain") -> None:
            found = _find(model, disk)
            if found is None:
                raise fail(errors.INVALID_ARG, f"missing persistent configuration for disk '{disk}'")
            found.iotune = _changed(found.iotune, params)

        def act(monitor: "Monitor", model: "Domain") -> None:
            found = _find(model, disk)
            if found is None:
                raise fail(errors.INVALID_ARG, f"disk '{disk}' not found in domain")
            limit(monitor, found, _changed(found.iotune, params))

        change(self, dom, flags, edit, act)


def _find(model: "Domain", name: str) -> "Disk | None":
    from ...xml.disks import find_disk

    return find_disk(model.devices.disks, name)


def _running(monitor: "Monitor", disk: "Disk") -> "IoTune":
    """The limits that QEMU keeps."""
    tune = disk.iotune.copy()
    for entry in monitor.execute("query-block"):
        told_ = entry.get("inserted")
        if told_ is None or disk.info.alias not in (entry.get("qdev") or "").split("/"):
            continue
        for rate, name in _RATES.items():
            setattr(tune, rate, told_[name])
            setattr(tune, f"{rate}_max", told_.get(f"{name}_max", 0))
            setattr(tune, f"{rate}_max_length", told_.get(f"{name}_max_length", 0) if f"{name}_max" in told_ else 0)
        tune.size_iops_sec, tune.group_name = told_.get("iops_size", 0), told_.get("group")
    return tune


def _changed(old: "IoTune", params: "TypedParams") -> "IoTune":
    """Limits after a change. Raises VirtError when they exclude each other."""
    tune = old.copy()
    given = {name: value for name, _, value in params.items}
    for group in _GROUPS:
        names = [f"{way}_{group}" for way in ("total", "read", "write")]
        if any(name in given for name in names):
            for name in names:
                setattr(tune, name, 0)
    for name, value in given.items():
        setattr(tune, name, value)
    wrong = contradiction(tune)
    if wrong:
        raise fail(errors.INVALID_ARG, wrong)
    for rate in RATES:
        burst = f"{rate}_max"
        if 0 < getattr(tune, burst) < getattr(tune, rate):
            raise fail(errors.CONFIG_UNSUPPORTED, f"value '{burst}' cannot be smaller than '{rate}'")
    return tune


def _place(disk: "Disk") -> str:
    """What QEMU calls the device that has the medium: a virtio disk is a part of its device."""
    alias = str(disk.info.alias)
    return f"/machine/peripheral/{alias}/virtio-backend" if disk.bus == "virtio" else alias


def limit(monitor: "Monitor", disk: "Disk", tune: "IoTune") -> None:
    """Set a running guest's limits."""
    arguments: dict[str, object] = {"id": _place(disk)}
    for rate, name in _RATES.items():
        arguments[name] = getattr(tune, rate)
        arguments[f"{name}_max"] = getattr(tune, f"{rate}_max")
        if getattr(tune, f"{rate}_max_length"):
            arguments[f"{name}_max_length"] = getattr(tune, f"{rate}_max_length")
    if tune.size_iops_sec:
        arguments["iops_size"] = tune.size_iops_sec
    if tune.group_name and tune.limited:
        arguments["group"] = tune.group_name
    monitor.do("block_set_io_throttle", arguments)
