"""Devices of few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...xml.addresses import CcidAddress, IsaAddress
from .chars import backend
from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.devices import Input
    from .command import Command

_INPUTS = {"mouse": "mouse", "tablet": "tablet", "keyboard": "kbd"}
_VIRTIO_INPUTS = {"mouse": "virtio-mouse", "tablet": "virtio-tablet", "keyboard": "virtio-keyboard"}


def iothreads(command: Command) -> None:
    for thread in command.domain.iothreads:
        minimum, maximum = thread.thread_pool_min, thread.thread_pool_max
        command.object(
            "iothread",
            f"iothread{thread.id}",
            thread__pool__min=minimum if minimum >= 0 else None,
            thread__pool__max=maximum if maximum >= 0 else None,
        )
    if command.domain.default_iothread is not None:
        raise refuse(command.domain.default_iothread, "<defaultiothread>")


def iommus(command: Command) -> None:
    for iommu in command.domain.devices.iommus:
        if iommu.model == "virtio":
            command.device("virtio-iommu", id=iommu.info.alias, **command.place(iommu.info))
            continue
        command.device(
            "intel-iommu",
            id=iommu.info.alias,
            intremap=None if iommu.intremap is None else "on" if iommu.intremap else "off",
            caching__mode=iommu.caching_mode,
            eim=None if iommu.eim is None else "on" if iommu.eim else "off",
            device__iotlb=iommu.iotlb,
            aw__bits=iommu.aw_bits or None,
        )


def hubs(command: Command) -> None:
    for hub in command.domain.devices.hubs:
        command.device("usb-hub", id=hub.info.alias, **command.place(hub.info))


def filesystems(command: Command) -> None:
    for filesystem in command.domain.devices.filesystems:
        if filesystem.type != "mount" or filesystem.driver not in ("", "path", "handle"):
            raise refuse(filesystem, f"filesystem of type '{filesystem.type}' and driver '{filesystem.driver}'")
        alias = filesystem.info.alias
        model = {"mapped": "mapped", "passthrough": "passthrough", "squash": "none"}[filesystem.accessmode]
        parts = ["local", f"security_model={model}"]
        if filesystem.wrpolicy == "immediate":
            parts.append("writeout=immediate")
        parts += [f"id=fsdev-{alias}", f"path={command.escape(filesystem.dir or '')}"]
        if filesystem.readonly:
            parts.append("readonly=on")
        command.option("-fsdev", ",".join(parts))
        driver = virtio("virtio-9p", filesystem.model)
        place = command.place(filesystem.info)
        command.device(driver, id=alias, fsdev=f"fsdev-{alias}", mount_tag=filesystem.target, **place)


def smartcards(command: Command) -> None:
    for card in command.domain.devices.smartcards:
        if card.mode != "passthrough":
            raise refuse(card, f"smartcard mode '{card.mode}'")
        alias = card.info.alias
        backend(command, card.source, f"char{alias}")
        address = card.info.address
        bus = command.bus("ccid", address.controller if isinstance(address, CcidAddress) else 0)
        command.device("ccid-card-passthru", chardev=f"char{alias}", id=alias, bus=f"{bus}.0")


def tpms(command: Command) -> None:
    for tpm in command.domain.devices.tpms:
        raise refuse(tpm, f"TPM type '{tpm.type}'")


def inputs(command: Command) -> None:
    for device in command.domain.devices.inputs:
        if device.bus == "ps2":
            continue
        if device.type == "evdev":
            _evdev(command, device)
        elif device.bus == "usb" and device.type in _INPUTS:
            command.device(f"usb-{_INPUTS[device.type]}", id=device.info.alias, **command.place(device.info))
        elif device.bus == "virtio" and device.type in _VIRTIO_INPUTS:
            driver = virtio(_VIRTIO_INPUTS[device.type], device.model)
            options = virtio_props(device.virtio)
            command.device(driver, **options, id=device.info.alias, **command.place(device.info))
        elif device.bus == "virtio" and device.type == "passthrough":
            driver = virtio("virtio-input-host", device.model)
            command.device(driver, id=device.info.alias, evdev=device.evdev, **command.place(device.info))
        else:
            raise refuse(device, f"input '{device.type}' on bus '{device.bus}'")


def _evdev(command: Command, device: Input) -> None:
    toggle = device.grab_toggle or None
    grab = True if device.grab == "all" else None
    alias = str(device.info.alias)
    command.object("input-linux", alias, evdev=device.dev, repeat=device.repeat, grab_all=grab, grab__toggle=toggle)


def late_devices(command: Command) -> None:
    """What follows the displays."""
    devices = command.domain.devices
    for watchdog in devices.watchdogs:
        if watchdog.action == "dump":
            raise refuse(watchdog, "watchdog action 'dump'")
        if watchdog.model == "diag288":
            raise refuse(watchdog, "watchdog 'diag288'")
        command.device(watchdog.model, id=watchdog.info.alias, **command.place(watchdog.info))
        command.option("-watchdog-action", watchdog.action)
    for redirection in devices.redirdevs:
        alias = redirection.info.alias
        if devices.redirfilters:
            raise refuse(devices.redirfilters[0], "<redirfilter>")
        backend(command, redirection.source, f"char{alias}")
        order = redirection.boot.order if redirection.boot is not None else None
        place = command.place(redirection.info)
        command.device("usb-redir", chardev=f"char{alias}", id=alias, bootindex=order, **place)
    for hostdev in devices.hostdevs:
        raise refuse(hostdev, f"host device of type '{hostdev.type}'")
    if command.launch.incoming:
        command.option("-incoming", "defer")
    if command.launch.loadvm:
        command.option("-loadvm", command.launch.loadvm)
    _balloon(command)
    rngs(command)
    for nvram in devices.nvrams:
        raise refuse(nvram, "<nvram>")
    if command.domain.features.vmcoreinfo:
        command.device("vmcoreinfo")


def _balloon(command: Command) -> None:
    for balloon in command.domain.devices.memballoons:
        if balloon.model == "none":
            continue
        command.device(
            virtio("virtio-balloon", balloon.model),
            **virtio_props(balloon.virtio),
            id=balloon.info.alias,
            deflate__on__oom=balloon.autodeflate,
            free__page__reporting=balloon.free_page_reporting,
            **command.place(balloon.info),
        )


def rngs(command: Command) -> None:
    for rng in command.domain.devices.rngs:
        alias = rng.info.alias
        if rng.backend == "random":
            command.object("rng-random", f"obj{alias}", filename=rng.file)
        elif rng.backend == "builtin":
            command.object("rng-builtin", f"obj{alias}")
        else:
            backend(command, rng.source, f"char{alias}")
            command.object("rng-egd", f"obj{alias}", chardev=f"char{alias}")
        command.device(
            virtio("virtio-rng", rng.model),
            **virtio_props(rng.virtio),
            rng=f"obj{alias}",
            id=alias,
            max__bytes=rng.rate or None,
            period=(rng.period or 1000) if rng.rate else None,
            **command.place(rng.info),
        )


def panics_and_shared_memory(command: Command) -> None:
    """What follows the guest's own arguments."""
    devices = command.domain.devices
    for panic in devices.panics:
        if panic.model not in ("isa", "hyperv"):
            raise refuse(panic, f"panic model '{panic.model}'")
        if panic.model == "isa":
            address = panic.info.address
            port = address.iobase if isinstance(address, IsaAddress) else None
            command.device("pvpanic", ioport=port)
    for shmem in devices.shmems:
        if shmem.model != "ivshmem-plain" or shmem.server is not None:
            raise refuse(shmem, f"shared memory model '{shmem.model}'")
        if "/" in (shmem.name or ""):
            raise refuse(shmem, "'/' in the name of shared memory")
        alias = str(shmem.info.alias)
        size = shmem.size or 4 << 20
        path = f"/dev/shm/{shmem.name}"
        command.object("memory-backend-file", f"shmmem-{alias}", mem__path=path, size=size, share=True)
        command.device("ivshmem-plain", id=alias, memdev=f"shmmem-{alias}", **command.place(shmem.info))
    for vsock in devices.vsocks:
        raise refuse(vsock, "<vsock>")
