"""<devices>: all that a domain has, in libvirt's order."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from . import implied
from .chars import Channel, Console, Parallel, Serial
from .controllers import Controller, ensure, read_controllers
from .devices import (
    Crypto,
    Hub,
    Input,
    Iommu,
    Lease,
    Memballoon,
    Nvram,
    Panic,
    Pstore,
    Rng,
    Shmem,
    Smartcard,
    Video,
    Vsock,
    Watchdog,
)
from .disk_places import insert_disk
from .disks import Disk
from .engine import Context, Model, fail
from .fields import FILE, Children, Text
from .filesystems import Filesystem
from .graphics import Graphics
from .hostdevs import Hostdev, Redirdev, RedirFilter
from .interfaces import Interface
from .memory_devices import MemoryDevice
from .node import Node
from .sound import Audio, Sound
from .tpm import Tpm


def _single(what: str, code: int = INTERNAL_ERROR) -> tuple[int, str]:
    return code, f"only a single {what} device is supported"


class Devices(Model):
    spread = True
    emulator = Text("emulator", shape=FILE)
    disks = Children("disk", Disk)
    controllers = Children("controller", Controller)
    leases = Children("lease", Lease)
    filesystems = Children("filesystem", Filesystem)
    interfaces = Children("interface", Interface)
    smartcards = Children("smartcard", Smartcard)
    serials = Children("serial", Serial)
    parallels = Children("parallel", Parallel)
    consoles = Children("console", Console)
    channels = Children("channel", Channel)
    inputs = Children("input", Input)
    tpms = Children(
        "tpm",
        Tpm,
        most=2,
        many=(XML_ERROR, "a maximum of two TPM devices is supported, one of them being a TPM Proxy device"),
    )
    graphics = Children("graphics", Graphics)
    sounds = Children("sound", Sound)
    audios = Children("audio", Audio)
    videos = Children("video", Video)
    hostdevs = Children("hostdev", Hostdev)
    redirdevs = Children("redirdev", Redirdev)
    redirfilters = Children(
        "redirfilter",
        RedirFilter,
        most=1,
        many=(INTERNAL_ERROR, "only one set of redirection filter rule is supported"),
    )
    hubs = Children("hub", Hub)
    watchdogs = Children("watchdog", Watchdog)
    memballoons = Children("memballoon", Memballoon, most=1, many=_single("memory balloon"))
    rngs = Children("rng", Rng)
    nvrams = Children("nvram", Nvram, most=1, many=_single("nvram"))
    panics = Children("panic", Panic)
    shmems = Children("shmem", Shmem)
    memories = Children("memory", MemoryDevice)
    cryptos = Children("crypto", Crypto, newer=True)
    iommus = Children("iommu", Iommu, most=1, many=_single("IOMMU", XML_ERROR))
    vsocks = Children("vsock", Vsock, most=1, many=_single("vsock", XML_ERROR))
    pstores = Children("pstore", Pstore, most=1, many=_single("pstore", XML_ERROR), newer=True)

    def parsed(self, node: Node, context: Context) -> None:
        ordered: list[Disk] = []
        for disk in self.disks:
            insert_disk(ordered, disk)
        self.disks = ordered
        if not context.config.stored:
            self.controllers = read_controllers(self.controllers)
        for number, parallel in enumerate(self.parallels):
            if parallel.port == -1:
                parallel.port = max((p.port for p in self.parallels[:number]), default=-1) + 1
        for number, console in enumerate(self.consoles if not context.config.stored else ()):
            console.port = number
        if len(self.watchdogs) > 1 and all(dog.model != "itco" for dog in self.watchdogs):
            raise fail(INTERNAL_ERROR, "only a single watchdog device is supported")
        primary = [video for video in self.videos if video.primary]
        self.videos = primary[::-1] + [video for video in self.videos if not video.primary]
        self._check_usb()
        for position in range(len(self.hostdevs)):
            implied.scsi_controllers(self, position + 1)

    def _check_usb(self) -> None:
        if not any(c.type == "usb" and c.model == "none" for c in self.controllers):
            return
        if any(device.bus == "usb" for device in self.inputs):
            raise fail(CONFIG_UNSUPPORTED, "Can't add USB input device. USB bus is disabled")
        if any(hostdev.type == "usb" for hostdev in self.hostdevs):
            raise fail(CONFIG_UNSUPPORTED, "Can't add host USB device: USB is disabled in this host")
        if self.hubs:
            raise fail(CONFIG_UNSUPPORTED, "Can't add USB hub: USB is disabled for this domain")

    def need(self, kind: str, index: int, model: str = "") -> None:
        ensure(self.controllers, kind, index, model)
