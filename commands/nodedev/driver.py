"""Node devices and their drivers: `nodedev-detach`, `nodedev-reattach`, `nodedev-reset`."""

from ..declare import Opt, command
from ..errors import failing
from ..results import Message
from .lookup import device, find_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

DRIVER = Opt("driver", "the driver that takes its place: vfio or xen", empty=True,
             complete=lambda ctx, given: ("vfio", "xen"))  # fmt: skip


@command("nodedev-detach", group="nodedev", options=[device(), DRIVER])
def detach(ctx: "Context", device: str, driver: "str | None" = None) -> Message:
    """Take a device away from its driver, so that a domain can have it."""
    ref = find_device(ctx, device)
    with failing(f"Failed to detach device {device}"):
        if driver:
            ctx.connection.node_device_detach_flags(ref.name, driver, 0)
        else:
            ctx.connection.node_device_dettach(ref.name)
    return Message(f"Device {device} detached", device=ref.name)


@command("nodedev-reattach", group="nodedev", options=[device()])
def reattach(ctx: "Context", device: str) -> Message:
    """Give a device back to its driver."""
    ref = find_device(ctx, device)
    with failing(f"Failed to re-attach device {device}"):
        ctx.connection.node_device_re_attach(ref.name)
    return Message(f"Device {device} re-attached", device=ref.name)


@command("nodedev-reset", group="nodedev", options=[device()])
def reset(ctx: "Context", device: str) -> Message:
    """Reset a device, before a domain gets it or after."""
    ref = find_device(ctx, device)
    with failing(f"Failed to reset device {device}"):
        ctx.connection.node_device_reset(ref.name)
    return Message(f"Device {device} reset", device=ref.name)
