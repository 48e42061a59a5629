"""What in a domain's definition gives cause for concern."""

from ..constants.domain import DOMAIN_MESSAGE_DEPRECATION, DOMAIN_MESSAGE_TAINTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..xml.domain import Domain
    from .guests import Guest

#: libvirt's words for its virDomainTaintFlags, in their order.
WORDS = {
    "privileges": "running with undesirable elevated privileges",
    "scripts": "network configuration using opaque shell scripts",
    "cdrom": "use of host cdrom passthrough",
    "dtb": "custom device tree blob used",
    "deprecated": "use of deprecated configuration settings",
}
#: The CPU that libvirt's test driver calls deprecated, so that something is.
DEPRECATED = "Deprecated-Test"


def taint(guest: "Guest") -> None:
    """Note the messages that a domain's definition calls for."""
    model = guest.now.model
    found = set(reasons(model))
    guest.messages = [(DOMAIN_MESSAGE_TAINTING, f"tainted: {text}") for name, text in WORDS.items() if name in found]
    if "deprecated" in found:
        text = f"deprecated configuration: CPU model {DEPRECATED}"
        guest.messages.append((DOMAIN_MESSAGE_DEPRECATION, text))


def reasons(model: "Domain") -> "Iterator[str]":
    """The names of the words that apply."""
    for disk in model.devices.disks:
        if disk.rawio:
            yield "privileges"
        if disk.device == "cdrom" and disk.source.type == "block" and disk.source.path:
            yield "cdrom"
    for hostdev in model.devices.hostdevs:
        if hostdev.rawio:
            yield "privileges"
    if any(interface.script is not None for interface in model.devices.interfaces):
        yield "scripts"
    if model.cpu and model.cpu.mode == "custom" and model.cpu.model == DEPRECATED:
        yield "deprecated"
    if model.os.dtb is not None:
        yield "dtb"
