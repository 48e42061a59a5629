"""Attaching, detaching and changing devices of what runs, of the definition, or of both."""

import json
import time

from .. import errors
from ..constants import domain as const
from . import chains, definitions, devices, taps
from .base import QemuBase, call, fail
from .control import EITHER, impact
from .launching import launch
from .lifecycle import monitor_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..records import DomainRef
    from ..xml.disks import Disk
    from ..xml.domain import Domain
    from .argv.command import Command
    from .argv.launch import Launch
    from .driver import QemuDriver
    from .guests import Guest
    from .qmp import Monitor

#: Seconds in which a guest gives a device back; libvirt waits as long, and leaves the rest to it.
PATIENCE = 5.0
#: VIR_DOMAIN_DEVICE_MODIFY_FORCE
FORCE = 4
#: option of the command line -> command that does the same, and the command and argument that undo it
_COMMANDS = {
    "-blockdev": ("blockdev-add", "blockdev-del", "node-name"),
    "-netdev": ("netdev_add", "netdev_del", "id"),
    "-object": ("object-add", "object-del", "id"),
    "-device": ("device_add", "device_del", "id"),
}
_PLUGGABLE = ("disks", "interfaces", "inputs", "rngs", "sounds", "hubs")


class HotplugCalls(QemuBase):
    """Attaching, detaching and changing devices."""

    @call("qemuDomainAttachDeviceLiveAndConfig", EITHER)
    def domain_attach_device_flags(self, dom: "DomainRef", xml: str, flags: int = 0) -> None:
        _both(self, dom, xml, flags, _attach_config, _attach_live)

    @call("qemuDomainDetachDeviceLiveAndConfig", EITHER)
    def domain_detach_device_flags(self, dom: "DomainRef", xml: str, flags: int = 0) -> None:
        _both(self, dom, xml, flags, _detach_config, _detach_live)

    @call("qemuDomainUpdateDeviceFlags", EITHER | FORCE)
    def domain_update_device_flags(self, dom: "DomainRef", xml: str, flags: int = 0) -> None:
        def live(driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, device: "Any") -> "Domain":
            return _update_live(driver, guest, model, field, device, bool(flags & FORCE))

        _both(self, dom, xml, flags, _update_config, live)

    @call("qemuDomainDetachDeviceAlias", EITHER)
    def domain_detach_device_alias(self, dom: "DomainRef", alias: str, flags: int = 0) -> None:
        from ..xml.engine import View
        from ..xml.serialize import Out

        guest, store = self._guest(dom), self.driver.store
        live = impact(guest, flags) & const.DOMAIN_AFFECT_LIVE
        model = definitions.read_live(store, dom.uuid) if live else definitions.read_definition(store, guest.name)
        for tag, name in devices.kinds(model).items():
            for device in getattr(model.devices, name):
                if getattr(device, "info", None) is not None and device.info.alias == alias:
                    out = Out(tag)
                    device.emit(out, View(inactive=True))
                    return self.domain_detach_device_flags(dom, out.render(), flags)
        raise fail(errors.DEVICE_MISSING, f"no device found with alias {alias}")


def _both(calls: QemuBase, dom: "DomainRef", xml: str, flags: int, config: "Any", live: "Any") -> None:
    """Change the definition, what runs, or both; nothing if one of them cannot be."""
    driver, store = calls.driver, calls.driver.store
    with calls._lock(dom):
        guest = calls._guest(dom)
        wanted = impact(guest, flags & EITHER)
        lasting = None
        if wanted & const.DOMAIN_AFFECT_CONFIG:
            lasting = definitions.read_definition(store, guest.name)
            field, device = devices.parse(lasting, xml)
            config(lasting, field, device)
            lasting = definitions.read(driver, lasting.format(inactive=True, secure=True))
        if wanted & const.DOMAIN_AFFECT_LIVE:
            running = definitions.read_live(store, dom.uuid)
            running.id = guest.id
            _forget_gone(driver, guest, running)
            field, device = devices.parse(running, xml)
            changed = live(driver, guest, running, field, device)
            if changed is not None:
                changed.id = guest.id
                definitions.write_live(store, changed)
        if lasting is not None:
            definitions.write_definition(store, lasting)


def _forget_gone(driver: "QemuDriver", guest: "Guest", model: "Domain") -> None:
    """Take out devices that the guest has let go of since somebody asked it to."""
    if not any(getattr(model.devices, field) for field in _PLUGGABLE):
        return
    with monitor_of(driver, guest) as monitor:
        there = {entry["name"] for entry in monitor.execute("qom-list", path="/machine/peripheral")}
        for field in _PLUGGABLE:
            kept = []
            for device in getattr(model.devices, field):
                if device.info.alias in there or getattr(device, "bus", "") == "ps2":
                    kept.append(device)
                else:
                    disk = field == "disks"
                    _unplug(monitor, _nodes(device) if disk else _options(driver, guest, model, field, device))
            setattr(model.devices, field, kept)


def _attach_config(model: "Domain", field: str, device: "Any") -> None:
    devices.refuse_twin(model, device)
    getattr(model.devices, field).append(device)


def _detach_config(model: "Domain", field: str, device: "Any") -> None:
    found = devices.find(model, field, device)
    setattr(model.devices, field, [other for other in getattr(model.devices, field) if other is not found])


def _update_config(model: "Domain", field: str, device: "Any") -> None:
    found = devices.find(model, field, device)
    device.info.address = device.info.address or found.info.address
    setattr(model.devices, field, [device if other is found else other for other in getattr(model.devices, field)])


def _attach_live(driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, device: "Any") -> "Domain":
    if field not in _PLUGGABLE:
        text = f"live attach of device '{field.removesuffix('s')}' is not supported"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    devices.refuse_twin(model, device)
    getattr(model.devices, field).append(device)
    completed, new = _complete(driver, model, field)
    launched = launch(driver, completed, completed.id)
    if field == "disks":
        from .storage.disks import locate

        locate(driver.store, [new])
    try:
        if field == "interfaces":
            taps.open_one(driver, completed, new, launched)
        with monitor_of(driver, guest) as monitor:
            options = _options(driver, guest, completed, field, new, launched)
            _plug(monitor, _hand_over(monitor, launched, options))
    finally:
        taps.close(launched)
    return completed


def _hand_over(
    monitor: "Monitor", launched: "Launch", options: "list[tuple[str, dict[str, Any]]]"
) -> "list[tuple[str, dict[str, Any]]]":
    """Let QEMU have the open files of a launch; in the options they are known by names, not by our numbers."""
    for files in launched.files.values():
        for file in files:
            monitor.give_file(f"file{file}", file)
    for _, props in options if launched.files else ():
        for key in ("fd", "fds", "vhostfd", "vhostfds"):
            if key in props:
                props[key] = ":".join(f"file{number}" for number in props[key].split(":"))
    return options


def _complete(driver: "QemuDriver", model: "Domain", field: str) -> "tuple[Domain, Any]":
    """The running domain with the device that was added to it, and that device: with its address and name."""
    before = len(model.devices.controllers)
    completed = definitions.complete(driver, model)
    if len(completed.devices.controllers) > before:
        # There is no room; more buses would have to be there from the start.
        raise fail(errors.INTERNAL_ERROR, "No more available PCI slots")
    new = next(device for device in getattr(completed.devices, field) if not device.info.alias)
    _name(completed, field, new)
    return completed, new


def _name(model: "Domain", field: str, new: "Any") -> None:
    """Give a device a name that no other has."""
    from .argv.aliases import assign

    taken = {device.info.alias for device in getattr(model.devices, field) if device is not new}
    assign(model)
    prefix = str(new.info.alias).rstrip("0123456789")
    number = 0
    while new.info.alias in taken:
        new.info.alias, number = f"{prefix}{number}", number + 1


def _options(
    driver: "QemuDriver",
    guest: "Guest",
    model: "Domain",
    field: str,
    new: "Any",
    launched: "Launch | None" = None,
) -> "list[tuple[str, dict[str, Any]]]":
    """The options that a command line would have for one device; images get numbers that none has had."""
    from .argv import nets
    from .argv.command import Command

    caps = definitions.capabilities(driver, model)
    command = Command(model, caps, launched or launch(driver, model, model.id))
    others = {name: getattr(model.devices, name) for name in _PLUGGABLE}
    boot, model.os.boot = model.os.boot, []  # the guest has booted: only an order of the device's own counts
    try:
        for name in _PLUGGABLE:
            setattr(model.devices, name, [new] if name == field else [])
        if field == "disks":
            _add_disk(driver, guest, command, new)
        elif field == "interfaces":
            nets.add(command)
        else:
            _small(command, field)
    finally:
        model.os.boot = boot
        for name, devices_ in others.items():
            setattr(model.devices, name, devices_)
    return [(option, json.loads(value)) for option, value in zip(command.argv[::2], command.argv[1::2], strict=True)]


def _add_disk(driver: "QemuDriver", guest: "Guest", command: "Command", disk: "Disk") -> None:
    from .argv import disks

    record = guest.record
    assert record is not None
    first = record.nodes
    disk.index = 0
    record.nodes, detected = chains.detect(driver.host, [disk], first)
    record.detected += detected
    disks.add(command)
    driver.store.write_running(record)


def _small(command: "Command", field: str) -> None:
    from .argv import displays, misc

    if field == "inputs":
        misc.inputs(command)
    elif field == "rngs":
        misc.rngs(command)
    elif field == "hubs":
        misc.hubs(command)
    else:
        displays.sounds(command)


def _plug(monitor: "Monitor", options: "list[tuple[str, dict[str, Any]]]") -> None:
    """Do what options say; what fails is undone."""
    done: list[tuple[str, dict[str, Any]]] = []
    try:
        for option, props in options:
            monitor.do(_COMMANDS[option][0], props)
            done.append((option, props))
    except BaseException:
        _unplug(monitor, done)
        raise


def _unplug(monitor: "Monitor", options: "list[tuple[str, dict[str, Any]]]") -> None:
    """Undo what options did, but for devices."""
    from .qmp import CommandFailed

    for option, props in reversed(options):
        _, undo, name = _COMMANDS[option]
        try:
            if option != "-device":
                monitor.do(undo, {name: props[name]})
        except CommandFailed:
            pass  # it goes with QEMU


def _detach_live(
    driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, device: "Any"
) -> "Domain | None":
    found = devices.find(model, field, device)
    if field not in _PLUGGABLE:
        text = f"live detach of device '{field.removesuffix('s')}' is not supported"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    options = _options(driver, guest, model, field, found) if field != "disks" else _nodes(found)
    with monitor_of(driver, guest) as monitor:
        monitor.execute("device_del", id=found.info.alias)
        if not monitor.await_event("DEVICE_DELETED", PATIENCE, device=found.info.alias):
            return None  # the guest has not let go of it: it stays until it does
        _unplug(monitor, options)
    setattr(model.devices, field, [other for other in getattr(model.devices, field) if other is not found])
    return model


def _nodes(disk: "Disk") -> "list[tuple[str, dict[str, Any]]]":
    """What -blockdev said of a disk's images, as far as their names."""
    names = [name for layer in reversed([*chains.layers(disk)]) for name in reversed(chains.nodes(layer))]
    return [("-blockdev", {"node-name": name}) for name in names]


def _update_live(
    driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, device: "Any", force: bool
) -> "Domain":
    found = devices.find(model, field, device)
    if field == "disks" and found.device in ("cdrom", "floppy"):
        _change_medium(driver, guest, model, found, device, force)
    elif field == "interfaces":
        with monitor_of(driver, guest) as monitor:
            monitor.execute("set_link", name=found.info.alias, up=device.link != "down")
        found.link = device.link
    else:
        text = f"live update of device '{field.removesuffix('s')}' is not supported"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    return model


def _change_medium(
    driver: "QemuDriver", guest: "Guest", model: "Domain", drive: "Disk", wanted: "Disk", force: bool
) -> None:
    """Another medium for a drive, or none."""
    alias = str(drive.info.alias)
    old = _nodes(drive)
    drive.type, drive.source = wanted.type, wanted.source
    drive.source.type, drive.backing_store = wanted.type, wanted.backing_store
    drive.driver.type = wanted.driver.type or drive.driver.type or "raw"
    options = [] if drive.source.empty else _options(driver, guest, model, "disks", drive)
    with monitor_of(driver, guest) as monitor:
        nodes = [entry for entry in options if entry[0] == "-blockdev"]
        _plug(monitor, nodes)
        try:
            monitor.execute("blockdev-open-tray", id=alias, force=force)
            _await_tray(monitor, alias)
            monitor.execute("blockdev-remove-medium", id=alias)
            if nodes:
                monitor.execute("blockdev-insert-medium", id=alias, node_name=nodes[-1][1]["node-name"])
            monitor.execute("blockdev-close-tray", id=alias)
        except BaseException:
            _unplug(monitor, nodes)
            raise
        _unplug(monitor, old)


def _await_tray(monitor: "Monitor", alias: str) -> None:
    """Wait until a drive is open; its guest may have locked it. Raises OPERATION_FAILED."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for entry in monitor.execute("query-block"):
            if (entry.get("qdev") or "").split("/")[-1] == alias and entry.get("tray_open", True):
                return
        if time.monotonic() > deadline:
            text = "timed out to open tray: the guest has locked it"
            raise fail(errors.OPERATION_TIMEOUT, text, hint="eject it inside, or use --force")
        time.sleep(0.02)
