"""Network cards and what they are connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.interfaces import Interface
    from .command import Command, Props

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
#: Where distributions put QEMU's helper, which makes a tap device on a bridge for whoever may use it.
BRIDGE_HELPERS = ("/usr/lib/qemu/qemu-bridge-helper", "/usr/libexec/qemu-bridge-helper")


def add(command: Command) -> None:
    for net in command.domain.devices.interfaces:
        check(net)
        _backend(command, net)
        _device(command, net)


def check(net: Interface) -> None:
    """Refuse what is not done."""
    for told, what in (
        (net.type not in ("user", "bridge", "ethernet", "null", "udp", "server", "client", "mcast"), net.type),
        (net.backend == "passt", "backend 'passt'"),
        (net.bandwidth, "<bandwidth>"),
        (net.filter, "<filterref>"),
        (net.vlan, "<vlan>"),
        (net.virtualport, "<virtualport>"),
        (net.teaming, "<teaming>"),
        (net.script or net.downscript, "<script>"),
        (net.coalesce, "<coalesce>"),
        (net.mtu and net.type == "user", "<mtu>"),
        (net.port_forwards, "<portForward>"),
        (net.port_isolated, "<port isolated='yes'>"),
        (net.driver.name == "vhost" and net.virtio, "driver 'vhost'"),
        (net.virtio and net.driver.queues, "queues"),
    ):
        if told:
            raise refuse(net, f"interface type '{what}'" if what == net.type else what)


def _backend(command: Command, net: Interface) -> None:
    id = f"host{net.info.alias}"
    props: Props
    if net.type == "user":
        props = {"type": "user"}
        for ip in net.ips:
            if ip.family == "ipv4":
                props["net"] = f"{ip.address}/{ip.prefix}" if ip.prefix else ip.address
            else:
                props |= {"ipv6-prefix": ip.address, "ipv6-prefixlen": ip.prefix or None}
    elif net.type == "bridge":
        props = {"type": "bridge", "br": net.bridge}
    elif net.type == "ethernet":
        # A device of that name that exists; making one takes privileges that QEMU has not.
        if net.target is None:
            raise refuse(net, "interface type 'ethernet' without <target dev>")
        props = {"type": "tap", "ifname": net.target, "script": "no", "downscript": "no"}
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


def _device(command: Command, net: Interface) -> None:
    model = net.model or ""
    if not all(c.isalnum() or c in "-_" for c in model):
        raise refuse(net, f"network card '{model}'")
    props: Props = {}
    driver = model
    if model in _VIRTIO:
        driver = virtio("virtio-net", model)
        props = virtio_props(net.driver.virtio) | _virtio(net)
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
        "rx_queue_size": driver.rx_queue_size or None,
        "tx_queue_size": driver.tx_queue_size or None,
        "rss": driver.rss,
        "hash": driver.rss_hash_report,
    }
