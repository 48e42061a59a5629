"""Devices of few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED
from ...xml.addresses import CcidAddress, IsaAddress, SpaprVioAddress
from ..base import fail
from ..machines import is_pseries, is_s390
from . import hostdevs
from .chars import backend
from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.devices import Input, Shmem
    from ...xml.hostdevs import UsbRule
    from .command import Command, Props

#: Where certificates and servers are that nobody names.
CERTIFICATES = "/etc/pki/nssdb"
SHMEM_SERVERS = "/var/lib/libvirt"
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
    pool = command.domain.default_iothread
    if pool is not None:
        command.object(
            "main-loop",
            "main-loop",
            thread__pool__min=pool.thread_pool_min if pool.thread_pool_min >= 0 else None,
            thread__pool__max=pool.thread_pool_max if pool.thread_pool_max >= 0 else None,
        )


def iommus(command: Command) -> None:
    for iommu in command.domain.devices.iommus:
        if iommu.model == "virtio":
            command.device("virtio-iommu", id=iommu.info.alias, **command.place(iommu.info))
        if iommu.model != "intel":
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


def smartcards(command: Command) -> None:
    for card in command.domain.devices.smartcards:
        alias = card.info.alias
        address = card.info.address
        bus = f"{command.bus('ccid', address.controller if isinstance(address, CcidAddress) else 0)}.0"
        if card.mode == "host":
            command.device("ccid-card-emulated", backend="nss-emulated", id=alias, bus=bus)
        elif card.mode == "host-certificates":
            names = {f"cert{number}": name for number, name in enumerate(card.certificates, 1)}
            database = card.database or CERTIFICATES
            command.device("ccid-card-emulated", backend="certificates", **names, db=database, id=alias, bus=bus)
        else:
            backend(command, card.source, f"char{alias}")
            command.device("ccid-card-passthru", chardev=f"char{alias}", id=alias, bus=bus)


def tpms(command: Command) -> None:
    for tpm in command.domain.devices.tpms:
        alias = str(tpm.info.alias)
        platform = tpm.model == "tpm-tis" and command.caps.has("tpm-tis-device")
        model = "tpm-tis-device" if platform else tpm.model
        if not command.caps.has(model):
            emulator = command.domain.devices.emulator
            what = f"The QEMU executable {emulator} does not support TPM model {tpm.model}"
            raise fail(CONFIG_UNSUPPORTED, what)
        if tpm.secret:
            raise refuse(tpm, "<encryption> of a TPM")
        if tpm.model == "spapr-tpm-proxy":
            command.device(model, id=alias, host__path=tpm.device)
            continue
        if tpm.type == "passthrough":
            command.option("-tpmdev", f"passthrough,id=tpm-{alias},path={command.escape(tpm.device or '')}")
        else:
            path = tpm.socket if tpm.type == "external" else command.launch.socket(alias)
            command.option("-chardev", f"socket,id=chrtpm,path={command.escape(path or '')}")
            command.option("-tpmdev", f"emulator,id=tpm-{alias},chardev=chrtpm")
        command.device(model, tpmdev=f"tpm-{alias}", id=alias, **command.place(tpm.info))


def inputs(command: Command) -> None:
    for device in command.domain.devices.inputs:
        if device.bus == "ps2":
            continue
        if device.type == "evdev":
            _evdev(command, device)
        elif device.bus == "usb" and device.type in _INPUTS:
            command.device(f"usb-{_INPUTS[device.type]}", id=device.info.alias, **command.place(device.info))
        elif device.bus == "virtio" and device.type in _VIRTIO_INPUTS:
            driver = virtio(_VIRTIO_INPUTS[device.type], device.model, device.info)
            options = virtio_props(device.virtio)
            command.device(driver, **options, id=device.info.alias, **command.place(device.info))
        elif device.bus == "virtio" and device.type == "passthrough":
            driver = virtio("virtio-input-host", device.model, device.info)
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
    watchdogs(command)
    redirdevs(command)
    hostdevs.add(command)
    if command.launch.incoming:
        command.option("-incoming", "defer")
    if command.launch.loadvm:
        command.option("-loadvm", command.launch.loadvm)
    _balloon(command)
    rngs(command)
    for nvram in devices.nvrams:
        if not is_pseries(command.domain):
            raise fail(CONFIG_UNSUPPORTED, "nvram device is only supported for PPC64")
        if isinstance(nvram.info.address, SpaprVioAddress):
            command.option("-global", f"spapr-nvram.reg=0x{nvram.info.address.reg:x}")
    if command.domain.features.vmcoreinfo:
        command.device("vmcoreinfo")


def watchdogs(command: Command) -> None:
    for watchdog in command.domain.devices.watchdogs:
        if watchdog.model == "diag288" and command.domain.os.arch not in ("s390", "s390x"):
            raise fail(CONFIG_UNSUPPORTED, "diag288 model of watchdog is allowed for s390 and s390x only")
        if watchdog.action == "dump":
            raise refuse(watchdog, "watchdog action 'dump'")
        command.device(watchdog.model, id=watchdog.info.alias, **command.place(watchdog.info))
        command.option("-watchdog-action", watchdog.action)


def redirdevs(command: Command) -> None:
    devices = command.domain.devices
    for redirection in devices.redirdevs:
        alias = redirection.info.alias
        backend(command, redirection.source, f"char{alias}")
        order = redirection.boot.order if redirection.boot is not None else None
        place = command.place(redirection.info)
        filter = "|".join(map(_rule, devices.redirfilters[0].rules)) if devices.redirfilters else None
        command.device("usb-redir", chardev=f"char{alias}", id=alias, filter=filter, bootindex=order, **place)


def _balloon(command: Command) -> None:
    for balloon in command.domain.devices.memballoons:
        if balloon.model == "none":
            continue
        command.device(
            virtio("virtio-balloon", balloon.model, balloon.info),
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
            virtio("virtio-rng", rng.model, rng.info),
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
        if panic.model == "pseries" and not is_pseries(command.domain):
            raise fail(CONFIG_UNSUPPORTED, "only pSeries guests support panic device of model 'pseries'")
        if panic.model == "s390" and not is_s390(command.domain):
            raise fail(CONFIG_UNSUPPORTED, "only S390 guests support panic device of model 's390'")
        if panic.model not in ("isa", "hyperv", "s390", "pseries"):
            raise refuse(panic, f"panic model '{panic.model}'")
        if panic.model != "isa" and panic.info.address is not None:
            what = f"setting the panic device address is not supported for model '{panic.model}'"
            raise fail(CONFIG_UNSUPPORTED, what)
        if panic.model == "isa":
            address = panic.info.address
            port = address.iobase if isinstance(address, IsaAddress) else None
            command.device("pvpanic", ioport=port)
    shmems(command)
    vsocks(command)


def launch_security(command: Command) -> None:
    """What keeps the host out of the guest's memory."""
    security = command.domain.launch_security
    if security is None:
        return
    if security.type == "s390-pv":
        command.object("s390-pv-guest", "lsec0")
        return
    files: Props = {}
    for option, name, text in (
        ("dh-cert-file", "dh_cert", security.dh_cert),
        ("session-file", "session", security.session),
    ):
        if text is not None:
            files[option] = path = f"{command.launch.folder}/{name}.base64"
            command.launch.secrets[path] = (0, None, text)
    command.json(
        "-object",
        {
            "qom-type": "sev-guest",
            "id": "lsec0",
            "cbitpos": security.cbitpos,
            "reduced-phys-bits": security.reduced_phys_bits,
            "policy": security.policy,
            **files,
            "kernel-hashes": security.kernel_hashes,
        },
    )


def shmems(command: Command) -> None:
    for shmem in command.domain.devices.shmems:
        _shmem(command, shmem)


def vsocks(command: Command) -> None:
    for vsock in command.domain.devices.vsocks:
        files = command.launch.files.get(str(vsock.info.alias), [-1])
        command.device(
            virtio("vhost-vsock", vsock.model, vsock.info),
            **virtio_props(vsock.virtio),
            id=vsock.info.alias,
            guest__cid=vsock.cid,
            vhostfd=str(files[0]),
            **command.place(vsock.info),
        )


def _shmem(command: Command, shmem: Shmem) -> None:
    alias = str(shmem.info.alias)
    if shmem.model == "ivshmem":
        raise fail(CONFIG_UNSUPPORTED, "ivshmem device is not supported with this QEMU binary")
    if shmem.model == "ivshmem-plain":
        path = f"/dev/shm/{shmem.name}"
        command.object("memory-backend-file", f"shmmem-{alias}", mem__path=path, size=shmem.size, share=True)
        role = {"master": "on", "peer": "off"}.get(shmem.role)
        place = command.place(shmem.info)
        command.device("ivshmem-plain", id=alias, memdev=f"shmmem-{alias}", master=role, **place)
        return
    server = shmem.server.path if shmem.server is not None else None
    msi = shmem.msi
    command.device(
        "ivshmem-doorbell",
        id=alias,
        chardev=f"char{alias}",
        vectors=(msi.vectors or None) if msi is not None else None,
        ioeventfd=msi.ioeventfd if msi is not None else None,
        **command.place(shmem.info),
    )
    path = server or f"{SHMEM_SERVERS}/shmem-{shmem.name}-sock"
    command.option("-chardev", f"socket,id=char{alias},path={command.escape(path)}")


def _rule(rule: UsbRule) -> str:
    """What a guest may redirect, in QEMU's terms."""
    version = -1 if rule.version is None else rule.version
    numbers = ((rule.device_class, 2), (rule.vendor, 4), (rule.product, 4), (version, 4))
    told = [f"0x{number:0{digits}X}" if number != -1 else "-1" for number, digits in numbers]
    return ":".join([*told, str(int(bool(rule.allow)))])
