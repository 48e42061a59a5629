"""`attach-device`, `detach-device`, `detach-device-alias` and `update-device`: devices as XML describes them."""

from vsh.backends.constants.domain import DOMAIN_DEVICE_MODIFY_FORCE

from ..declare import Data, Flag, command
from ..errors import failing
from ..files import read_file, xml_file
from ..results import Message
from .impact import DEVICE_EXCLUSIVE, DEVICE_IMPACT, EXCLUSIVE, IMPACT, device_impact, impact
from .lookup import DOMAIN, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

FILE = xml_file("device")


def attach(ctx: "Context", ref: "DomainRef", xml: str, flags: int, current: bool) -> None:
    """Attach a device, with the oldest call that will do.

    Raises VirtError.
    """
    if flags or current:
        ctx.connection.domain_attach_device_flags(ref, xml, flags)
    else:
        ctx.connection.domain_attach_device(ref, xml)


def detach(ctx: "Context", ref: "DomainRef", xml: str, flags: int, current: bool) -> None:
    """Detach a device likewise.

    Raises VirtError.
    """
    if flags or current:
        ctx.connection.domain_detach_device_flags(ref, xml, flags)
    else:
        ctx.connection.domain_detach_device(ref, xml)


@command("attach-device", group="domain", options=[DOMAIN, FILE, *DEVICE_IMPACT], exclusive=DEVICE_EXCLUSIVE)
def attach_device(ctx: "Context", domain: "DomainRef", file: str, current: bool = False, **where: bool) -> Message:
    """Attach a device that an XML file describes.

    The file has one element as it would stand below <devices> in the domain's XML.
    """
    flags = device_impact(ctx, domain, **where)
    xml = read_file(file)
    with failing(f"Failed to attach device from {file}"):
        attach(ctx, domain, xml, flags, current)
    return Message("Device attached successfully", domain=facts(domain), file=file)


@command("detach-device", group="domain", options=[DOMAIN, FILE, *DEVICE_IMPACT], exclusive=DEVICE_EXCLUSIVE)
def detach_device(ctx: "Context", domain: "DomainRef", file: str, current: bool = False, **where: bool) -> Message:
    """Detach a device that an XML file describes.

    A running guest has to let go of some devices first; they are gone a little later.
    """
    flags = device_impact(ctx, domain, **where)
    xml = read_file(file)
    with failing(f"Failed to detach device from {file}"):
        detach(ctx, domain, xml, flags, current)
    return Message("Device detached successfully", domain=facts(domain), file=file)


@command(
    "detach-device-alias",
    group="domain",
    options=[DOMAIN, Data("alias", "the device's alias, as <alias> names it"), *IMPACT],
    exclusive=EXCLUSIVE,
)
def detach_device_alias(ctx: "Context", domain: "DomainRef", alias: str, **where: bool) -> Message:
    """Ask for a device to be detached.

    It is gone when the guest has let go of it: the event device-removed tells.
    """
    with failing(f"Failed to detach device with alias {alias}"):
        ctx.connection.domain_detach_device_alias(domain, alias, impact(**where))
    return Message("Device detach request sent successfully", domain=facts(domain), alias=alias)


@command(
    "update-device",
    group="domain",
    options=[DOMAIN, FILE, *DEVICE_IMPACT, Flag("force", "even against the guest's will, such as a locked tray")],
    exclusive=DEVICE_EXCLUSIVE,
)
def update_device(
    ctx: "Context",
    domain: "DomainRef",
    file: str,
    current: bool = False,
    force: bool = False,
    **where: bool,
) -> Message:
    """Change a device to what an XML file describes.

    Only some parts can be changed: the medium of a drive, the network of an interface, a display's password.
    """
    flags = device_impact(ctx, domain, **where)
    xml = read_file(file)
    with failing(f"Failed to update device from {file}"):
        ctx.connection.domain_update_device_flags(domain, xml, flags | DOMAIN_DEVICE_MODIFY_FORCE * force)
    return Message("Device updated successfully", domain=facts(domain), file=file)
