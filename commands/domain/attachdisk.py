"""`attach-disk`: a disk made from options."""

import os
from stat import S_ISBLK

from ..declare import Alias, Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message, Text
from .addresses import Address
from .devices import attach
from .impact import DEVICE_EXCLUSIVE, DEVICE_IMPACT, device_impact
from .iothreads import thread_ids
from .lookup import Domain, facts, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vsh.backends.xml.serialize import Out

    from ..context import Context

#: Prefix of targets -> the kinds of addresses on their bus, and how virsh names them when it is given another.
BUSES = {
    "vd": (("pci", "ccw"), "a pci:0000.00.00.00 or ccw:00.0.0000"),
    "sd": (("scsi", "usb", "sata"), "a scsi:00.00.00 or usb:00.00 or sata:00.00.00"),
    "hd": (("ide",), "an ide:00.00.00"),
}
#: Type of the source -> the attribute that names it.
SOURCES = {"file": "file", "block": "dev", "network": "name"}


def _among(*words: str) -> "Callable[..., tuple[str, ...]]":
    return lambda ctx, given: words


@command(
    "attach-disk",
    group="domain",
    options=[
        Domain(resolve=None),
        Data("source", "the image, block device or, of network disks, name", empty=True),
        Data("target", "the name it gets in the guest, such as vdb"),
        Opt("targetbus", "its bus", complete=_among("virtio", "scsi", "sata", "ide", "usb", "fdc", "xen")),
        Opt("driver", "the hypervisor's driver for it", complete=_among("qemu", "file", "tap", "phy")),
        Opt("subdriver", "the format of the image", complete=_among("raw", "qcow2", "qed", "vmdk", "vdi")),
        Opt("iothread", "the number of the I/O thread that serves it", complete=thread_ids),
        Opt(
            "cache",
            "how the host caches it",
            complete=_among("default", "none", "writethrough", "writeback", "directsync", "unsafe"),
        ),
        Opt("io", "how requests are handed on", complete=_among("threads", "native", "io_uring")),
        Opt("type", "what the guest sees", complete=_among("disk", "cdrom", "floppy", "lun")),
        Alias("shareable", "mode=shareable"),
        Opt("mode", "how it may be used", complete=_among("readonly", "shareable")),
        Opt("sourcetype", "what the source is; without it what it looks like", complete=_among(*SOURCES)),
        Opt("serial", "its serial number"),
        Opt("wwn", "its World Wide Name, 16 hexadecimal digits"),
        Opt("alias", "an alias of your own; it begins with ua-"),
        Flag("rawio", "the guest may send raw commands to it"),
        Opt("address", "its address: KIND:NUMBER.NUMBER..., of pci, ccw, scsi, usb, sata or ide"),
        Flag("multifunction", "with a PCI address, other devices share the slot"),
        Flag("print-xml", "only show the XML that it would be made from"),
        Opt(
            "source-protocol",
            "the protocol of a network disk",
            complete=_among("nbd", "rbd", "iscsi", "gluster", "http", "https", "ftp", "ftps", "tftp", "ssh", "nfs"),
        ),
        Opt("source-host-name", "the host that serves it: HOST[:PORT]"),
        Opt("source-host-transport", "how the host is reached", complete=_among("tcp", "unix", "rdma")),
        Opt("source-host-socket", "the path of its unix socket"),
        Opt("throttle-groups", "throttle groups of the domain that limit it: NAME,...", positional=False),
        *DEVICE_IMPACT,
    ],
    exclusive=DEVICE_EXCLUSIVE,
    requires=[
        ("source-host-name", "source-protocol"),
        ("source-host-transport", "source-protocol"),
        ("source-host-socket", "source-protocol"),
        ("source-host-socket", "source-host-transport"),
    ],
)
def attach_disk(
    ctx: "Context",
    domain: str,
    source: str,
    target: str,
    print_xml: bool = False,
    persistent: bool = False,
    config: bool = False,
    live: bool = False,
    current: bool = False,
    **given: "Any",
) -> "Message | Text":
    """Attach a disk that options describe.

    What they cannot say can be said in a file for attach-device.
    """
    if "source_host_name" in given and "source_host_socket" in given:
        raise CommandError("Options --source-host-name and --source-host-socket are mutually exclusive")
    kind = _source_type(source, given)
    mode = given.get("mode")
    if mode not in (None, "readonly", "shareable"):
        raise CommandError(f"No support for {mode} in command 'attach-disk'")
    if "wwn" in given:
        _check_wwn(given["wwn"])
    xml = _disk(kind, source, target, given).render()
    if print_xml:
        return Text(xml, data={"xml": xml})
    ref = find_domain(ctx, domain)
    flags = device_impact(ctx, ref, persistent, config, live)
    with failing("Failed to attach disk"):
        attach(ctx, ref, xml, flags, current)
    return Message("Disk attached successfully", domain=facts(ref), target=target, xml=xml)


def _source_type(source: str, given: "dict[str, Any]") -> str:
    """`file`, `block` or `network`: what is said, else what the source looks like on this side."""
    kind = given.get("sourcetype")
    network = "source_protocol" in given
    if kind is None:
        if network:
            return "network"
        if given.get("driver") in ("file", "tap"):
            return "file"
        try:
            return "block" if S_ISBLK(os.stat(source).st_mode) else "file"
        except (OSError, ValueError):
            return "file"
    if kind not in SOURCES:
        raise CommandError(f"Unknown source type: '{kind}'")
    if network != (kind == "network"):
        raise CommandError("--source-protocol option requires --sourcetype network")
    return str(kind)


def _check_wwn(text: str) -> None:
    digits = text.removeprefix("0x")
    if len(digits) != 16 or not all(char in "0123456789abcdefABCDEF" for char in digits):
        raise CommandError(f"internal error: Malformed wwn: {text}")


def _disk(kind: str, source: str, target: str, given: "dict[str, Any]") -> "Out":
    from vsh.backends.xml.serialize import Out

    disk = Out("disk")
    disk.set("type", kind)
    if "type" in given:
        disk.set("device", given["type"])
    if "rawio" in given:
        disk.set("rawio", "yes")
    driver = {"driver": "name", "subdriver": "type", "iothread": "iothread", "cache": "cache", "io": "io"}
    for option, attribute in driver.items():
        if option in given:
            disk.at("driver").set(attribute, given[option])
    for group in given["throttle_groups"].split(",") if "throttle_groups" in given else ():
        disk.at("throttlefilters").add("throttlefilter").set("group", group)
    if kind == "network":
        disk.at("source").set("protocol", given["source_protocol"])
    disk.at("source").set(SOURCES[kind], source)
    _host(disk, given)
    disk.at("target").set("dev", target)
    if "targetbus" in given:
        disk.at("target").set("bus", given["targetbus"])
    if "mode" in given:
        disk.add(given["mode"])
    if "serial" in given:
        disk.add("serial").write(given["serial"])
    if "alias" in given:
        disk.add("alias").set("name", given["alias"])
    if "wwn" in given:
        disk.add("wwn").write(given["wwn"])
    if "address" in given:
        _address(given["address"], target).write(disk, "multifunction" in given)
    return disk


def _host(disk: "Out", given: "dict[str, Any]") -> None:
    """Where a network disk is served."""
    host = disk.at("source/host")
    for option, attribute in (("source_host_transport", "transport"), ("source_host_socket", "socket")):
        if option in given:
            host.set(attribute, given[option])
    if "source_host_name" in given:
        name, colon, port = given["source_host_name"].partition(":")
        host.set("name", name)
        if colon:
            host.set("port", port)


def _address(text: str, target: str) -> Address:
    try:
        address = Address(text)
    except ValueError:
        raise CommandError("Invalid address.") from None
    kinds, names = BUSES.get(target[:2], ((address.kind,), ""))
    if address.kind not in kinds:
        raise CommandError(f"expecting {names} address.")
    return address
