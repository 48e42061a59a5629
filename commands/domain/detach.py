"""`detach-disk` and `detach-interface`: devices found in the domain's XML."""

from vsh.backends.constants.domain import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_LIVE, DOMAIN_XML_INACTIVE
from vsh.backends.errors import VirtError
from vsh.backends.xml.dump import dump

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Message, Text
from .devices import detach
from .impact import DEVICE_EXCLUSIVE, DEVICE_IMPACT, device_impact, impact, is_active
from .lookup import DOMAIN, facts
from .parts import find_disk, interface
from .targets import disk_targets, interface_macs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsh.backends.records import DomainRef

    from ..context import Context

FAILED = "Failed to detach interface"


@command(
    "detach-disk",
    group="domain",
    options=[
        DOMAIN,
        Data("target", "the disk's target (vdb) or source", complete=disk_targets),
        *DEVICE_IMPACT,
        Flag("print-xml", "only show the XML of what would be detached"),
    ],
    exclusive=DEVICE_EXCLUSIVE,
)
def detach_disk(
    ctx: "Context",
    domain: "DomainRef",
    target: str,
    persistent: bool = False,
    config: bool = False,
    live: bool = False,
    current: bool = False,
    print_xml: bool = False,
) -> "Message | Text":
    """Detach a disk.

    A running guest has to let go of it first; it is gone a little later.
    """
    stored = impact(config or persistent, live) == DOMAIN_AFFECT_CONFIG
    disk = find_disk(ctx, domain, target, DOMAIN_XML_INACTIVE * stored)
    xml = dump(disk)
    if print_xml:
        return Text(xml, data={"xml": xml})
    flags = device_impact(ctx, domain, persistent, config, live)
    with failing("Failed to detach disk"):
        detach(ctx, domain, xml, flags, current)
    return Message("Disk detached successfully", domain=facts(domain), target=target, xml=xml)


@command(
    "detach-interface",
    group="domain",
    options=[
        DOMAIN,
        Data("type", "what it is joined to: network, bridge, direct ...", empty=True),
        Opt("mac", "its MAC address, where there are several of the type", empty=True, complete=interface_macs),
        *DEVICE_IMPACT,
        Flag("print-xml", "only show the XML of what would be detached"),
    ],
    exclusive=DEVICE_EXCLUSIVE,
)
def detach_interface(
    ctx: "Context",
    domain: "DomainRef",
    type: str,
    mac: "str | None" = None,
    persistent: bool = False,
    config: bool = False,
    live: bool = False,
    current: bool = False,
    print_xml: bool = False,
) -> "Iterator[Message | Text]":
    """Detach a network interface.

    A running guest has to let go of it first; it is gone a little later.
    """
    for option, text in (("type", type), ("mac", mac)):
        if text == "":
            ctx.warn(f"Failed to get option '{option}': Option argument is empty")
            raise CommandError(FAILED)
    faces = [(DOMAIN_AFFECT_CONFIG, DOMAIN_XML_INACTIVE)] if config or persistent else []
    if live or (persistent and is_active(ctx, domain)):
        faces.append((DOMAIN_AFFECT_LIVE, 0))
    for flags, wanted in faces or [(0, 0)]:
        try:
            xml = dump(interface(ctx, domain, type, mac, wanted))
            if print_xml:
                yield Text(xml, data={"xml": xml})
            else:
                detach(ctx, domain, xml, flags, current)
        except CommandError as error:
            if print_xml and flags != DOMAIN_AFFECT_CONFIG:
                raise
            ctx.warn(error.summary)
            raise CommandError(FAILED, error.cause) from error
        except VirtError as error:
            raise CommandError(FAILED, error) from error
    if not print_xml:
        yield Message("Interface detached successfully", domain=facts(domain), type=type, mac=mac)
