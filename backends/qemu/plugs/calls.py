"""Attaching, detaching and changing devices of what runs, of the definition, or of both."""

import time

from ... import errors
from ...constants import domain as const
from .. import definitions, macvtaps, ownership, taps
from ..base import QemuBase, call, fail
from ..control import EITHER, impact
from ..lifecycle import monitor_of
from ..qmp import CommandFailed
from ..readying import launch, write_secrets
from . import devices, plugging
from . import kinds as plugs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...records import DomainRef
    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..qmp import Monitor

#: Seconds in which a guest gives a device back; libvirt waits as long, and leaves the rest to it.
PATIENCE = 5.0
#: VIR_DOMAIN_DEVICE_MODIFY_FORCE
FORCE = 4


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
        from ...xml.engine import View
        from ...xml.serialize import Out

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
    with monitor_of(driver, guest) as monitor:
        there = {entry["name"] for entry in monitor.execute("qom-list", path="/machine/peripheral")}
        for field in plugs.FIELDS:
            for device in list(getattr(model.devices, field)):
                if device.info.alias not in there and plugs.is_device(device):
                    plugging.unplug(monitor, plugs.present(driver, model, field, device))
                    _take_out(model, field, device)
    macvtaps.leave(driver, guest.record, model)


def _take_out(model: "Domain", field: str, gone: "Any") -> None:
    setattr(model.devices, field, [other for other in getattr(model.devices, field) if other is not gone])
    if field == "memories":
        model.memory, model.current_memory = model.memory - gone.size, model.current_memory - gone.size


def _put_in(model: "Domain", field: str, new: "Any") -> None:
    getattr(model.devices, field).append(new)
    if field == "memories":
        model.memory, model.current_memory = model.memory + new.size, model.current_memory + new.size


def _attach_config(model: "Domain", field: str, device: "Any") -> None:
    devices.refuse_twin(model, device)
    _put_in(model, field, device)


def _detach_config(model: "Domain", field: str, device: "Any") -> None:
    _take_out(model, field, devices.find(model, field, device))


def _update_config(model: "Domain", field: str, device: "Any") -> None:
    found = devices.find(model, field, device)
    device.info.address = device.info.address or found.info.address
    setattr(model.devices, field, [device if other is found else other for other in getattr(model.devices, field)])


def _attach_live(driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, device: "Any") -> "Domain":
    if field not in plugs.FIELDS or not plugs.is_device(device):
        text = f"live attach of device '{field.removesuffix('s')}' is not supported"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    devices.refuse_twin(model, device)
    _put_in(model, field, device)
    completed, new = _complete(driver, model, field)
    launched = launch(driver, completed, completed.id)
    record = guest.record
    assert record is not None
    before = set(record.lent)
    try:
        plugs.prepare(driver, guest, completed, field, new, launched)
        ownership.lend(driver, record, ownership.needs(completed))
        with monitor_of(driver, guest) as monitor:
            options = plugs.options(driver, guest, completed, field, new, launched)
            write_secrets(driver, launched)
            answers = plugging.plug(monitor, plugging.hand_over(monitor, launched, options))
            plugs.finish(monitor, completed, new, answers)
    except BaseException:
        ownership.take_back(driver, record, set(record.lent) - before)
        _take_out(model, field, device)
        macvtaps.leave(driver, record, model)
        raise
    finally:
        driver.host.remove(*launched.secrets)
        taps.close(launched)
    return completed


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
    from ..argv.aliases import assign

    taken = {device.info.alias for device in getattr(model.devices, field) if device is not new}
    assign(model)
    prefix = str(new.info.alias).rstrip("0123456789")
    number = 0
    while new.info.alias in taken:
        new.info.alias, number = f"{prefix}{number}", number + 1


def _detach_live(
    driver: "QemuDriver", guest: "Guest", model: "Domain", field: str, device: "Any"
) -> "Domain | None":
    found = devices.find(model, field, device)
    if field not in plugs.FIELDS or not plugs.is_device(found):
        text = f"live detach of device '{field.removesuffix('s')}' is not supported"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    options = plugs.present(driver, model, field, found)
    with monitor_of(driver, guest) as monitor:
        monitor.execute("device_del", id=found.info.alias)
        if not monitor.await_event("DEVICE_DELETED", PATIENCE, device=found.info.alias):
            return None  # the guest has not let go of it: it stays until it does
        plugging.unplug(monitor, options)
    _take_out(model, field, found)
    ownership.leave(driver, guest.record, model)
    macvtaps.leave(driver, guest.record, model)
    return model


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
    old = plugs.present(driver, model, "disks", drive)
    drive.type, drive.source = wanted.type, wanted.source
    drive.source.type, drive.backing_store = wanted.type, wanted.backing_store
    drive.driver.type = wanted.driver.type or drive.driver.type or "raw"
    assert guest.record is not None
    ownership.lend(driver, guest.record, ownership.of_disk(drive))
    launched = launch(driver, model, model.id)
    options = [] if drive.source.empty else plugs.options(driver, guest, model, "disks", drive, launched)
    with monitor_of(driver, guest) as monitor:
        nodes = [entry for entry in options if entry[0] != "-device"]
        try:
            write_secrets(driver, launched)
            plugging.plug(monitor, nodes)
        finally:
            driver.host.remove(*launched.secrets)
        try:
            _swap(monitor, alias, nodes[-1][1]["node-name"] if nodes else None, force)
        except BaseException:
            plugging.unplug(monitor, nodes)
            raise
        plugging.unplug(monitor, old)
    ownership.leave(driver, guest.record, model)


def _swap(monitor: "Monitor", alias: str, node: "str | None", force: bool) -> None:
    """Put another medium into a drive, or none; a guest, or its BIOS, that closes the tray meanwhile is asked again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        monitor.execute("blockdev-open-tray", id=alias, force=force)
        _await_tray(monitor, alias)
        try:
            monitor.execute("blockdev-remove-medium", id=alias)
            if node:
                monitor.execute("blockdev-insert-medium", id=alias, node_name=node)
            break
        except CommandFailed as error:
            if "not open" not in str(error) or time.monotonic() > deadline:
                raise
    monitor.execute("blockdev-close-tray", id=alias)


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
