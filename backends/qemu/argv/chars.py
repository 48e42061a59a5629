"""Character devices: serial and parallel ports, channels, consoles, and the host's ends of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED
from ...xml.addresses import IsaAddress, VirtioSerialAddress
from ..base import fail
from .command import ONOFF, refuse

if TYPE_CHECKING:
    from ...xml.chars import Channel, CharSource, Console, Serial
    from .command import Command, Props

#: Ports that are parts of the machine.
MACHINE_SERIALS = ("system-serial",)
_SERIAL = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "isa-debug": "isa-debugcon",
    "sclp-serial": "sclpconsole",
    "spapr-vio-serial": "spapr-vty",
}
#: id of a spicevmc device, without number -> what SPICE calls it
_VMC = {"charchannel": "vdagent", "charredir": "usbredir", "charsmartcard": "smartcard"}


def add(command: Command) -> None:
    devices = command.domain.devices
    serials(command)
    for parallel in devices.parallels:
        backend(command, parallel.source, f"char{parallel.info.alias}")
        command.device("isa-parallel", chardev=f"char{parallel.info.alias}", id=parallel.info.alias)
    channels(command)
    for console in devices.consoles:
        if console.target_type == "virtio":
            backend(command, console.source, f"char{console.info.alias}")
            _virtio_console(command, console)
        elif console.target_type in ("sclp", "sclplm"):
            alias = console.info.alias
            backend(command, console.source, f"char{alias}")
            command.device(f"{console.target_type}console", chardev=f"char{alias}", id=alias)
        elif console.target_type not in ("serial", ""):
            raise refuse(console, f"console type '{console.target_type}'")


def serials(command: Command) -> None:
    for serial in command.domain.devices.serials:
        backend(command, serial.source, f"char{serial.info.alias}")
        _serial(command, serial)


def channels(command: Command) -> None:
    for channel in command.domain.devices.channels:
        _channel(command, channel)


def backend(command: Command, source: CharSource, id: str, path: str | None = None) -> None:
    """-chardev; `path` is that of a socket that the XML does not name."""
    escape = command.escape
    kind = source.type
    parts: list[str]
    if kind in ("null", "vc", "pty", "stdio"):
        parts = [kind, f"id={id}"]
    elif kind in ("dev", "file", "pipe"):
        name = {"dev": "serial" if not id.startswith("charparallel") else "parallel"}.get(kind, kind)
        parts = [name, f"id={id}", f"path={escape(source.path or '')}"]
        if kind == "file" and source.append is not None:
            parts.append(f"append={ONOFF[source.append]}")
    elif kind == "unix":
        parts = ["socket", f"id={id}", f"path={escape(source.socket or path or '')}"]
        parts += _socket(source, source.mode == "bind" or source.socket is None)
    elif kind == "tcp":
        parts = ["socket", f"id={id}", f"host={escape(source.host or '')}", f"port={escape(source.service or '')}"]
        if source.protocol == "telnet":
            parts.append("telnet=on")
        parts += _socket(source, source.mode == "bind")
        if source.tls if source.tls is not None else command.launch.chardev_tls:
            server = source.mode == "bind"
            command.object(
                "tls-creds-x509",
                f"obj{id}_tls0",
                dir=command.launch.tls_folder("chardev"),
                endpoint="server" if server else "client",
                verify__peer=command.launch.tls_verify or not server,
            )
            parts.append(f"tls-creds=obj{id}_tls0")
    elif kind == "udp":
        there, here = (next((end for end in source.udp if end.mode == mode), None) for mode in ("connect", "bind"))
        parts = ["udp", f"id={id}"]
        parts += [f"host={escape((there and there.host) or '')}", f"port={escape((there and there.service) or '')}"]
        parts += [f"localaddr={escape((here and here.host) or '')}"]
        parts += [f"localport={escape((here and here.service) or '0')}"]
    elif kind == "spicevmc":
        parts = ["spicevmc", f"id={id}", f"name={_VMC[id.rstrip('0123456789')]}"]
    elif kind == "spiceport":
        parts = ["spiceport", f"id={id}", f"name={escape(source.channel or '')}"]
    elif kind == "dbus":
        parts = ["dbus", f"id={id}", f"name={escape(source.channel or '')}"]
    elif kind == "qemu-vdagent":
        parts = ["qemu-vdagent", f"id={id}", "name=vdagent"]
        if source.clipboard is not None:
            parts.append(f"clipboard={ONOFF[source.clipboard]}")
        if source.mouse:
            parts.append(f"mouse={ONOFF[source.mouse == 'client']}")
    else:
        raise fail(CONFIG_UNSUPPORTED, f"unsupported chardev '{kind}'")
    if source.log is not None:
        parts.append(f"logfile={escape(source.log)}")
        parts.append(f"logappend={ONOFF[source.log_append is not False]}")
    command.option("-chardev", ",".join(parts))


def _socket(source: CharSource, server: bool) -> list[str]:
    if server:
        return ["server=on", "wait=off"]
    if source.reconnect is not None and source.reconnect.enabled is not None:
        return [f"reconnect={source.reconnect.timeout if source.reconnect.enabled else 0}"]
    return []


def _serial(command: Command, serial: Serial) -> None:
    alias = serial.info.alias
    if serial.target_type in MACHINE_SERIALS:
        command.option("-serial", f"chardev:char{alias}")
        return
    if serial.target_type not in _SERIAL:
        raise refuse(serial, f"serial type '{serial.target_type}'")
    props: Props = {"chardev": f"char{alias}", "id": alias}
    address = serial.info.address
    if serial.target_type == "isa-serial":
        props["index"] = serial.port
    elif isinstance(address, IsaAddress):
        props |= {"iobase": address.iobase, "irq": address.irq or None}
    driver = serial.target_model if serial.target_type == "sclp-serial" else _SERIAL[serial.target_type]
    command.device(driver, **props, **command.place(serial.info))


def _channel(command: Command, channel: Channel) -> None:
    alias = channel.info.alias
    if channel.target_type == "guestfwd":
        backend(command, channel.source, f"char{alias}")
        forward = f"tcp:{channel.forward_address}:{channel.forward_port}-chardev:char{alias}"
        command.json("-netdev", {"type": "user", "guestfwd": [{"str": forward}], "id": alias})
        return
    if channel.target_type != "virtio":
        raise refuse(channel, f"channel type '{channel.target_type}'")
    name = channel.name
    if name is None and channel.source.type == "spicevmc":
        name = "com.redhat.spice.0"
    folder = command.launch.channel_folder
    backend(command, channel.source, f"char{alias}", channel_path(folder, channel))
    address = channel.info.address
    place: Props = {}
    if isinstance(address, VirtioSerialAddress):
        place = {"bus": f"{command.bus('virtio-serial', address.controller)}.{address.bus}", "nr": address.port}
    command.device("virtserialport", **place, chardev=f"char{alias}", id=alias, name=name)


def channel_path(folder: str, channel: Channel) -> str:
    """The socket of a channel that names none."""
    return f"{folder}/{(channel.name or str(channel.info.alias)).replace('/', '_')}"


def _virtio_console(command: Command, console: Console) -> None:
    alias = console.info.alias
    address = console.info.address
    place: Props = {}
    if isinstance(address, VirtioSerialAddress):
        place = {"bus": f"{command.bus('virtio-serial', address.controller)}.{address.bus}", "nr": address.port}
    command.device("virtconsole", **place, chardev=f"char{alias}", id=alias)
