"""`domif-setlink` and `update-memory-device`: one value of a device in the domain's XML."""

from vsh.backends.constants.domain import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_LIVE, DOMAIN_XML_INACTIVE
from vsh.backends.xml.dump import dump

from ..declare import Alias, Data, Flag, Int, Opt, Scaled, command
from ..errors import CommandError, failing
from ..results import Done, Message, Text
from .impact import CONFIG, EXCLUSIVE, IMPACT, impact, is_active
from .lookup import DOMAIN, facts
from .targets import attribute, definition, interface_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vsh.backends.records import DomainRef

    from ..context import Context

STATES = ("up", "down")


@command(
    "domif-setlink",
    group="domain",
    options=[
        DOMAIN,
        Data("interface", "the interface's name on the host or its MAC address", complete=interface_names),
        Data("state", "up or down", complete=lambda ctx, given: STATES),
        Alias("persistent", "config"),
        CONFIG,
        Flag("print-xml", "only show the XML that the interface would get"),
    ],
)
def domif_setlink(
    ctx: "Context",
    domain: "DomainRef",
    interface: str,
    state: str,
    config: bool = False,
    print_xml: bool = False,
) -> "Message | Text":
    """Plug or unplug the cable of a network interface.

    Of the running domain, or of the stored definition with --config or where it does not run.
    """
    if state not in STATES:
        raise CommandError(f"invalid link state '{state}'")
    stored = config or not is_active(ctx, domain)
    found = definition(ctx, domain, DOMAIN_XML_INACTIVE * config, blanks=True).findall("devices/interface")
    if not found:
        raise CommandError("Failed to extract interface information or no interfaces found")
    for one in found:
        names = (attribute(one, "mac", "address"), attribute(one, "target", "dev"))
        if interface.lower() in [name.lower() for name in names if name]:
            break
    else:
        raise CommandError(f"interface '{interface}' not found")
    link = one.find("link")
    if link is None:
        link = one.makeelement("link")
        one.append(link)
    link.set("state", state)
    xml = dump(one)
    if print_xml:
        return Text(xml, data={"xml": xml})
    with failing("Failed to update interface link state"):
        ctx.connection.domain_update_device_flags(domain, xml, DOMAIN_AFFECT_CONFIG if stored else DOMAIN_AFFECT_LIVE)
    return Message("Device updated successfully", domain=facts(domain), interface=interface, state=state)


@command(
    "update-memory-device",
    group="domain",
    options=[
        DOMAIN,
        *IMPACT,
        Flag("print-xml", "only show the XML that the device would get"),
        Opt("alias", "the device with this alias"),
        Int("node", "the device of this NUMA node of the guest", least=0, most=2**32 - 1),
        Scaled(
            "requested-size",
            "how much memory a virtio-mem device shall give, in KiB",
            scale=1024,
            most=2**64 - 1,
            late=True,
        ),
    ],
    exclusive=[*EXCLUSIVE, ("node", "alias")],
)
def update_memory_device(
    ctx: "Context",
    domain: "DomainRef",
    config: bool = False,
    live: bool = False,
    current: bool = False,
    print_xml: bool = False,
    alias: "str | None" = None,
    node: "int | None" = None,
    requested_size: "Callable[[], int] | None" = None,
) -> "Done | Text":
    """Change a memory device: how much of it the guest gets.

    Where a domain has several, --alias or --node chooses one.
    """
    flags = impact(config, live)
    root = definition(ctx, domain, DOMAIN_XML_INACTIVE * config, blanks=True)
    devices = [
        one
        for one in root.iterfind("devices/memory")
        if alias in (None, attribute(one, "alias", "name"))
        and (node is None or one.findtext("target/node") == str(node))
    ]
    if not devices:
        raise CommandError("no memory device found")
    if len(devices) > 1:
        raise CommandError("multiple memory devices found, use --alias or --node to select one")
    (device,) = devices
    if requested_size:
        requested = device.find("target/requested")
        if requested is None:
            raise CommandError("virtio-mem device is missing <requested/>")
        requested.text = str(-(-requested_size() // 1024))
    xml = dump(device)
    if print_xml:
        return Text(xml, data={"xml": xml})
    ctx.connection.domain_update_device_flags(domain, xml, flags)
    return Done(domain=facts(domain), xml=xml)
