"""Controllers: the devices behind the guest's buses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR
from ..base import fail
from ..machines import is_pseries
from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.controllers import Controller
    from .command import Command, Props

_ORDER = ("pci", "usb", "scsi", "ide", "sata", "virtio-serial", "ccid")
_SCSI = {
    "lsilogic": "lsi",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "am53c974": "am53c974",
    "dc390": "dc-390",
    "ibmvscsi": "spapr-vscsi",
}
_USB = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
}
_XHCI = ("nec-xhci", "qemu-xhci")
_VIRTIO_SCSI = ("virtio-scsi", "virtio-transitional", "virtio-non-transitional")


def add(command: Command) -> None:
    """All controllers but those that the machine has anyway."""
    controllers = command.domain.devices.controllers
    for kind in _ORDER:
        for controller in controllers:
            if controller.type == kind:
                _ADDERS[kind](command, controller)
    for controller in controllers:
        if controller.type == "fdc":
            _fdc(command)
        elif controller.type not in (*_ORDER, "fdc"):
            raise refuse(controller, f"controller type '{controller.type}'")


def add_one(command: Command, controller: Controller) -> None:
    """One that is plugged in."""
    _ADDERS[controller.type](command, controller)


def _pci(command: Command, controller: Controller) -> None:
    alias = controller.info.alias
    place = command.place(controller.info)
    hotplug = controller.hotplug if controller.model == "pcie-root-port" else None
    if controller.model in ("pci-root", "pcie-root"):
        if controller.pcihole64 >= 0:
            raise refuse(controller, "<pcihole64>")
        return
    if controller.model == "pci-bridge":
        command.device(controller.device, chassis_nr=controller.chassis_nr, id=alias, **place)
    elif controller.model in ("pcie-root-port", "pcie-switch-downstream-port"):
        command.device(
            controller.device, port=controller.port, chassis=controller.chassis, id=alias, hotplug=hotplug, **place
        )
    elif controller.model in ("pci-expander-bus", "pcie-expander-bus"):
        node = controller.numa_node
        command.device(controller.device, bus_nr=controller.bus_nr, id=alias, numa_node=node, **place)
    else:
        command.device(controller.device, id=alias, **place)


def _usb(command: Command, controller: Controller) -> None:
    if controller.model == "none":
        return
    if controller.model not in _USB:
        raise refuse(controller, f"USB controller model '{controller.model}'")
    if not command.caps.has(_USB[controller.model]):
        text = f"USB controller model '{controller.model}' not supported in this QEMU binary"
        raise fail(CONFIG_UNSUPPORTED, text)
    ports = controller.ports if controller.ports > 0 and controller.model in _XHCI else None
    master = controller.info.master
    props: Props = {"p2": ports, "p3": ports}
    if master is not None:
        props |= {"masterbus": f"{command.bus('usb', controller.index)}.0", "firstport": master.startport}
    else:
        props["id"] = controller.info.alias
    command.device(_USB[controller.model], **props, **command.place(controller.info))


def _scsi(command: Command, controller: Controller) -> None:
    alias, model = controller.info.alias, controller.model
    if model in _VIRTIO_SCSI:
        driver = virtio("virtio-scsi", model if model != "virtio-scsi" else None, controller.info)
        command.device(
            driver,
            **virtio_props(controller.virtio),
            iothread=f"iothread{controller.iothread}" if controller.iothread else None,
            id=alias,
            num_queues=controller.queues or None,
            cmd_per_lun=controller.cmd_per_lun or None,
            max_sectors=controller.max_sectors or None,
            ioeventfd=controller.ioeventfd,
            **command.place(controller.info),
        )
    elif model in _SCSI:
        command.device(_SCSI[model], id=alias, **command.place(controller.info))
    else:
        raise refuse(controller, f"SCSI controller model '{model}'")


def _ide(command: Command, controller: Controller) -> None:
    if controller.index > 0:
        raise fail(INTERNAL_ERROR, "Only 1 IDE controller is supported")


def _sata(command: Command, controller: Controller) -> None:
    if controller.index > 0 or not command.q35:
        command.device("ahci", id=controller.info.alias, **command.place(controller.info))


def _virtio_serial(command: Command, controller: Controller) -> None:
    command.device(
        virtio("virtio-serial", controller.model, controller.info),
        **virtio_props(controller.virtio),
        id=controller.info.alias,
        max_ports=controller.ports if controller.ports != -1 else None,
        vectors=controller.vectors if controller.vectors != -1 else None,
        **command.place(controller.info),
    )


def _ccid(command: Command, controller: Controller) -> None:
    command.device("usb-ccid", id=controller.info.alias, **command.place(controller.info))


def _fdc(command: Command) -> None:
    """A q35 has no floppy controller of its own; the controller knows which of its drives boots."""
    if is_pseries(command.domain):
        raise fail(CONFIG_UNSUPPORTED, "PowerPC pseries machines do not support floppy device")
    orders: dict[str, int | None] = {}
    for disk in command.domain.devices.disks:
        if disk.bus == "fdc":
            orders["AB"[command.drive(disk.info).unit % 2]] = command.boot_order("fd", disk)
    if command.q35:
        command.device("isa-fdc", bootindexA=orders.get("A"), bootindexB=orders.get("B"))
        return
    for drive, order in orders.items():
        if order is not None:
            command.option("-global", f"isa-fdc.bootindex{drive}={order}")


_ADDERS = {
    "pci": _pci,
    "usb": _usb,
    "scsi": _scsi,
    "ide": _ide,
    "sata": _sata,
    "virtio-serial": _virtio_serial,
    "ccid": _ccid,
}
