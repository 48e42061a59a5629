"""Network cards and what they are connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR
from ..base import fail
from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.interfaces import Interface
    from .command import Command, Props

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
_TYPES = ("user", "bridge", "ethernet", "direct", "vhostuser", "null", "udp", "server", "client", "mcast")


def add(command: Command) -> None:
    for net in command.domain.devices.interfaces:
        check(net)
        _backend(command, net)
        _device(command, net)


def check(net: Interface) -> None:
    """Refuse what makes no sense to QEMU, in libvirt's words, and what is not done."""
    queues = net.driver.queues if net.virtio else 0
    if queues and net.type not in ("bridge", "ethernet", "vhostuser"):
        who = f"interface {net.mac.hex(':')}"
        what = f"{who} - multiqueue is not supported for network interfaces of type {net.type}"
        raise fail(CONFIG_UNSUPPORTED, what)
    tap = net.type in ("bridge", "ethernet")
    if net.mtu and not tap and net.type != "vhostuser":
        raise fail(CONFIG_UNSUPPORTED, f"setting MTU on interface type {net.type} is not supported yet")
    if net.coalesce and not tap:
        raise fail(CONFIG_UNSUPPORTED, f"coalesce settings on interface type {net.type} are not supported")
    if net.type == "vhostuser" and not net.virtio:
        what = "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>."
        raise fail(INTERNAL_ERROR, f"{what} vhostuser requires the virtio-net* frontend")
    for told, what in (
        (net.type not in _TYPES, f"interface type '{net.type}'"),
        (net.backend == "passt" and net.type != "user", f"backend 'passt' of an interface type '{net.type}'"),
        (net.bandwidth, "<bandwidth>"),
        (net.filter, "<filterref>"),
        (net.vlan, "<vlan>"),
        (net.virtualport, "<virtualport>"),
        (net.teaming and net.teaming.type == "transient", "<teaming type='transient'>"),
        (net.script or net.downscript, "<script>"),
        (net.coalesce, "<coalesce>"),
        (net.port_forwards and net.backend != "passt", "<portForward> without backend 'passt'"),
        (net.port_isolated, "<port isolated='yes'>"),
        (net.host_ips or net.host_routes, "<ip> or <route> of the host's end"),
        (tap and net.ips, "<ip> of an interface that is no 'user'"),
        (net.routes, "<route>"),
        (net.backend_tap, "another <backend tap>"),
    ):
        if told:
            raise refuse(net, what)


def _backend(command: Command, net: Interface) -> None:
    id = f"host{net.info.alias}"
    props: Props
    if net.backend == "passt":
        path = command.launch.socket(str(net.info.alias))
        props = {"type": "stream", "addr": {"type": "unix", "path": path}, "server": False}
    elif net.type == "user":
        props = {"type": "user"}
        for ip in net.ips:
            if ip.family == "ipv4":
                props["net"] = f"{ip.address}/{ip.prefix}" if ip.prefix else ip.address
            else:
                props |= {"ipv6-prefix": ip.address, "ipv6-prefixlen": ip.prefix or None}
    elif net.type in ("bridge", "ethernet", "direct"):
        props = _tap(command, net)
    elif net.type == "vhostuser":
        chardev = f"char{net.info.alias}"
        parts = ["socket", f"id={chardev}", f"path={command.escape(net.socket or '')}"]
        if net.socket_mode == "server":
            parts.append("server=on")
        elif net.reconnect is not None and net.reconnect.enabled:
            parts.append(f"reconnect={net.reconnect.timeout}")
        command.option("-chardev", ",".join(parts))
        props = {"type": "vhost-user", "chardev": chardev, "queues": net.driver.queues or None}
    elif net.type == "udp":
        local = net.local
        assert local is not None
        here, there = (local.address or "", local.port or 0), (net.address or "", net.port or 0)
        props = {"type": "socket", "udp": "{}:{}".format(*there), "localaddr": "{}:{}".format(*here)}
    elif net.type == "null":
        props = {"type": "hubport", "hubid": 1 + command.domain.devices.interfaces.index(net)}
    else:
        address = net.address if net.type != "server" else net.server_address
        key = {"server": "listen", "client": "connect", "mcast": "mcast"}[net.type]
        props = {"type": "socket", key: f"{address or ''}:{net.port}"}
    command.json("-netdev", props | {"id": id})


def _tap(command: Command, net: Interface) -> Props:
    """A device whose files QEMU inherits; where there are none, what an administrator would write."""
    files = command.launch.files.get(str(net.info.alias), [])
    props: Props = {"type": "tap"}
    if not files and net.type == "bridge":
        props = {"type": "bridge", "br": net.bridge}
    elif not files:
        props |= {"ifname": net.target, "script": "no", "downscript": "no", "queues": net.driver.queues or None}
    else:
        vhost = command.launch.files.get(f"vhost{net.info.alias}", [])
        props |= _files("fd", files) | ({"vhost": True} | _files("vhostfd", vhost) if vhost else {})
        props["sndbuf"] = net.sndbuf
    return props


def _files(name: str, files: list[int]) -> Props:
    return {name: str(files[0])} if len(files) == 1 else {f"{name}s": ":".join(map(str, files))}


def _device(command: Command, net: Interface) -> None:
    model = net.model or ""
    if not all(c.isalnum() or c in "-_" for c in model):
        raise refuse(net, f"network card '{model}'")
    props: Props = {}
    driver = model
    if model in _VIRTIO:
        driver = virtio("virtio-net", model, net.info)
        props = virtio_props(net.driver.virtio) | _virtio(net)
        props["failover"] = True if net.teaming is not None else None
    elif model == "usb-net":
        driver = "usb-net"
    rom = net.info.rom
    command.device(
        driver,
        **props,
        host_mtu=net.mtu or None if model in _VIRTIO else None,
        netdev=f"host{net.info.alias}",
        id=net.info.alias,
        mac=net.mac.hex(":"),
        bootindex=command.boot_order("network", net),
        **command.place(net.info),
        rombar=None if rom is None or rom.bar is None else int(rom.bar),
        romfile="" if rom is not None and rom.enabled is False else rom.file if rom is not None else None,
    )


def _virtio(net: Interface) -> Props:
    driver = net.driver
    tx = {"iothread": "bh", "timer": "timer"}.get(driver.txmode)
    host, guest = driver.host, driver.guest
    return {
        "tx": tx,
        "ioeventfd": driver.ioeventfd,
        "event_idx": driver.event_idx,
        "csum": host.csum,
        "gso": host.gso,
        "host_tso4": host.tso4,
        "host_tso6": host.tso6,
        "host_ecn": host.ecn,
        "host_ufo": host.ufo,
        "mrg_rxbuf": host.mrg_rxbuf,
        "guest_csum": guest.csum,
        "guest_tso4": guest.tso4,
        "guest_tso6": guest.tso6,
        "guest_ecn": guest.ecn,
        "guest_ufo": guest.ufo,
        "mq": True if driver.queues else None,
        "vectors": 2 * driver.queues + 2 if driver.queues else None,
        "rx_queue_size": driver.rx_queue_size or None,
        "tx_queue_size": driver.tx_queue_size or None,
        "rss": driver.rss,
        "hash": driver.rss_hash_report,
    }
