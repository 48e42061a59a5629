"""Controllers: the buses devices hang on."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .addresses import Info, Master, ThreadMapping, Virtio
from .engine import Context, Field, Model, fail
from .fields import Enum, Int, LazyChild, OnOff, OptInt, Part, Size, UInt, one_of
from .node import Node

TYPES = ("ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa")
_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
MODELS: dict[str, tuple[str, ...]] = {
    "scsi": (
        "auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi", "ibmvscsi", "virtio-scsi", "lsisas1078", *_VIRTIO[1:],
        "ncr53c90", "dc390", "am53c974",
    ),
    "usb": (
        "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3",
        "vt82c686b-uhci", "pci-ohci", "nec-xhci", "qusb1", "qusb2", "qemu-xhci", "none",
    ),
    "pci": (
        "pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge", "pcie-root-port",
        "pcie-switch-upstream-port", "pcie-switch-downstream-port", "pci-expander-bus", "pcie-expander-bus",
    ),
    "ide": ("piix3", "piix4", "ich6"),
    "virtio-serial": _VIRTIO,
}  # fmt: skip
#: The root of a pSeries machine.
SPAPR_BRIDGE = "spapr-pci-host-bridge"
_PCI_DEVICES = (
    "pci-bridge", "i82801b11-bridge", "ioh3420", "x3130-upstream", "xio3130-downstream", "pxb", "pxb-pcie",
    "pcie-root-port", SPAPR_BRIDGE, "pcie-pci-bridge",
)  # fmt: skip
#: USB 2 controllers with their companions, which share an index, and the ports where companions begin.
USB2_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
USB2_MODELS = ("ich9-ehci1", *USB2_PORTS)

_pci = one_of("type", "pci")


class ControllerModel(Field[str]):
    """A model of the controller's type."""

    def load(self, text: str, node: Node, context: Context) -> str:
        if text not in MODELS.get(node.get("type") or "ide", ()):
            raise fail(CONFIG_UNSUPPORTED, f"Unknown model type '{text}'")
        return text


def _target(name: str, form: str = "d") -> Int:
    return Int(f"target/@{name}", default=-1, base=0, low=0, when=_pci, form=form)


class Controller(Model):
    type = Enum("@type", TYPES, default="ide", absent="", wanted=True)
    index = Int("@index", default=-1, absent=None, low=0)
    model = ControllerModel("@model", default="")
    ports = Int("@ports", default=-1, low=0, when=one_of("type", "virtio-serial", "usb"))
    vectors = Int("@vectors", default=-1, low=0, when=one_of("type", "virtio-serial"))
    max_grant_frames = Int("@maxGrantFrames", default=-1, low=0, when=one_of("type", "xenbus"))
    max_event_channels = Int("@maxEventChannels", default=-1, low=0, when=one_of("type", "xenbus"))
    device = Enum(
        "model/@name",
        _PCI_DEVICES,
        zero=("none",),
        wanted=True,
        when=_pci,
        show=lambda c, view: not (view.migratable and c.model == "pci-root" and c.device == SPAPR_BRIDGE),
    )
    chassis_nr = _target("chassisNr")
    chassis = _target("chassis")
    port = _target("port", "0xx")
    bus_nr = _target("busNr")
    target_index = _target("index")
    mem_reserve = UInt("target/@memReserve", bits=64, when=_pci, newer=True)
    hotplug = OnOff("target/@hotplug", when=_pci)
    numa_node = OptInt("target/node", sign=True, when=_pci, invalid=(XML_ERROR, "invalid NUMA node in target"))
    queues = UInt("driver/@queues")
    cmd_per_lun = UInt("driver/@cmd_per_lun")
    max_sectors = UInt("driver/@max_sectors")
    ioeventfd = OnOff("driver/@ioeventfd")
    iothread = UInt("driver/@iothread")
    virtio = Part("driver", Virtio)
    iothreads = LazyChild("driver/iothreads", ThreadMapping, newer=True)
    info = Part(".", Info, when=lambda c: not (c.type == "usb" and c.model == "none"))
    pcihole64 = Size("pcihole64", default=-1, when=lambda c: c.type == "pci" and c.model in ("pci-root", "pcie-root"))

    def parsed(self, node: Node, context: Context) -> None:
        for tag in ("model", "target"):
            if len(node.findall(tag)) > 1:
                raise fail(XML_ERROR, f"Multiple <{tag}> elements in controller definition not allowed")
        if self.numa_node is not None and self.numa_node < 0:
            raise fail(XML_ERROR, "invalid NUMA node in target")
        if self.type == "usb" and self.model in USB2_PORTS and self.info.master is None:
            self.info.master = Master(startport=USB2_PORTS[self.model])

    @property
    def companion(self) -> bool:
        """Whether another USB controller is its master."""
        return self.info.master is not None


def insert(controllers: list[Controller], new: Controller) -> None:
    """Put a controller where libvirt does: behind those of its type with lower indexes, before its companions."""
    at = -1
    for place in range(len(controllers) - 1, -1, -1):
        current = controllers[place]
        if current.type != new.type:
            continue
        if new.index == -1:
            at = place + 1
            break
        before = current.index > new.index or (not new.companion and current.companion and current.index == new.index)
        if before:
            at = place
        elif at == -1:
            at = place + 1
    controllers.insert(len(controllers) if at == -1 else at, new)


def read_controllers(found: list[Controller]) -> list[Controller]:
    """`found`, in document order, in libvirt's order; checks what concerns all USB controllers together."""
    from ..errors import XML_DETAIL

    ordered: list[Controller] = []
    for controller in found:
        usb = [other for other in ordered if other.type == "usb"]
        if controller.type == "usb" and usb and "none" in (controller.model, *(other.model for other in usb)):
            raise fail(XML_DETAIL, "Can't add another USB controller: USB is disabled for this domain")
        insert(ordered, controller)
    usb = [c for c in ordered if c.type == "usb"]
    if any(c.model != "none" for c in usb) and all(c.companion for c in usb):
        raise fail(XML_DETAIL, "No master USB controller specified")
    return ordered


def assign_indexes(controllers: list[Controller]) -> None:
    """Give an index to those that came without: the lowest free one, for USB 2 companions that of their master."""
    for place, controller in enumerate(controllers):
        if controller.index != -1:
            continue
        previous = None
        if place and controller.type == "usb" and controller.model in USB2_MODELS:
            previous = next((c for c in reversed(controllers[:place]) if c.type == "usb"), None)
            if previous is not None and (
                previous.model not in USB2_MODELS
                or any(
                    c.type == "usb" and c.index == previous.index and c.model == controller.model for c in controllers
                )
            ):
                previous = None
        controller.index = previous.index if previous else free_index(controllers, controller.type)


def free_index(controllers: list[Controller], kind: str) -> int:
    used = {c.index for c in controllers if c.type == kind}
    return next(index for index in range(len(used) + 1) if index not in used)


def ensure(controllers: list[Controller], kind: str, index: int, model: str = "") -> None:
    """Add a controller unless there is one of that type and index."""
    if not any(c.type == kind and c.index == index for c in controllers):
        controllers.append(Controller(type=kind, index=index, model=model))
