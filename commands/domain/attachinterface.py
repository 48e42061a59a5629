"""`attach-interface`: a network interface made from options."""

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message, Text
from .addresses import Address
from .devices import attach
from .impact import DEVICE_EXCLUSIVE, DEVICE_IMPACT, device_impact
from .lookup import Domain, facts, find_domain
from .rates import read_rate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.xml.serialize import Out

    from ..context import Context

#: The types that can be made, with the attribute that their source has.
SOURCES = {"network": "network", "bridge": "bridge", "direct": "dev", "hostdev": "", "vhostuser": "path"}
#: Types that libvirt knows besides; virsh refuses them only after it has looked at the other options.
OTHERS = ("user", "ethernet", "server", "client", "mcast", "internal", "udp", "vdpa", "null", "vds")
MODES = ("server", "client")


@command(
    "attach-interface",
    group="domain",
    options=[
        Domain(resolve=None),
        Data("type", "what it is joined to", complete=lambda ctx, given: list(SOURCES)),
        Data("source", "the network, bridge, host interface, PCI address or socket of that type"),
        Opt("target", "its name on the host"),
        Opt("mac", "its MAC address; without it one is made up"),
        Opt("script", "a script that prepares it on the host"),
        Opt("model", "what the guest sees", complete=lambda ctx, given: ["virtio", "e1000", "e1000e", "rtl8139"]),
        Opt("alias", "an alias of your own; it begins with ua-"),
        Opt("inbound", "limits for what comes in: AVERAGE[,PEAK[,BURST[,FLOOR]]]"),
        Opt("outbound", "limits for what goes out: AVERAGE[,PEAK[,BURST]]"),
        *DEVICE_IMPACT,
        Flag("print-xml", "only show the XML that it would be made from"),
        Flag("managed", "libvirt takes the PCI device from the host and gives it back"),
        Opt("source-mode", "which end of a vhostuser socket it is", complete=lambda ctx, given: MODES),
    ],
    exclusive=DEVICE_EXCLUSIVE,
)
def attach_interface(
    ctx: "Context",
    domain: str,
    type: str,
    source: str,
    persistent: bool = False,
    config: bool = False,
    live: bool = False,
    current: bool = False,
    print_xml: bool = False,
    **given: "Any",
) -> "Message | Text":
    """Attach a network interface that options describe.

    What they cannot say can be said in a file for attach-device.
    """
    xml = _interface(type, source, given).render()
    if print_xml:
        return Text(xml, data={"xml": xml})
    ref = find_domain(ctx, domain)
    flags = device_impact(ctx, ref, persistent, config, live)
    with failing("Failed to attach interface"):
        attach(ctx, ref, xml, flags, current)
    return Message("Interface attached successfully", domain=facts(ref), xml=xml)


def _interface(kind: str, source: str, given: "dict[str, Any]") -> "Out":
    from vsh.backends.xml.serialize import Out

    mode = given.get("source_mode")
    refusal = CommandError(f"No support for {kind} in command 'attach-interface'")
    if kind not in SOURCES and kind not in OTHERS:
        raise refusal
    if mode not in (None, *MODES):
        raise CommandError(f"Invalid source mode: {mode}")
    inbound, outbound = _inbound(given.get("inbound")), _outbound(given.get("outbound"))
    if kind not in SOURCES:
        raise refusal
    out = Out("interface")
    out.set("type", kind)
    if "managed" in given:
        out.set("managed", "yes")
    _source(out.at("source"), kind, source, mode)
    children = {"target": "dev", "mac": "address", "script": "path", "model": "type", "alias": "name"}
    for option, attribute in children.items():
        if option in given:
            out.add(option).set(attribute, given[option])
    for direction, rate in (("inbound", inbound), ("outbound", outbound)):
        for name, number in rate.items():
            if number:
                out.at(f"bandwidth/{direction}").set(name, str(number))
    return out


def _source(out: "Out", kind: str, source: str, mode: "str | None") -> None:
    if kind == "hostdev":
        try:
            Address(f"pci:{source}").write(out.join())
        except ValueError:
            raise CommandError(f"cannot parse pci address '{source}' for network interface") from None
        return
    if kind == "vhostuser":
        if mode is None:
            raise CommandError("source-mode is mandatory")
        out.set("type", "unix")
    out.set(SOURCES[kind], source)
    if kind == "vhostuser" and mode is not None:
        out.set("mode", mode)


def _inbound(text: "str | None") -> "dict[str, int]":
    rate = {} if text is None else read_rate(text)
    if text is not None and not rate["average"] and not rate["floor"]:
        raise CommandError("either inbound average or floor is mandatory")
    return rate


def _outbound(text: "str | None") -> "dict[str, int]":
    rate = {} if text is None else read_rate(text)
    if text is not None and not rate["average"]:
        raise CommandError("outbound average is mandatory")
    if rate.get("floor"):
        raise CommandError("outbound floor is unsupported yet")
    return rate
