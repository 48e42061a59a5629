"""The node device that a command is about: its name, or for SCSI hosts its two world wide names."""

from vsh.backends.errors import INTERNAL_ERROR, VirtError, virt_error

from ..declare import Data
from ..errors import CommandError
from ..words import split_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vsh.backends.records import NodeDeviceRef

    from ..context import Context
    from ..declare import Completer

HEX = frozenset("0123456789abcdefABCDEF")


def find_device(ctx: "Context", text: str) -> "NodeDeviceRef":
    """The node device with this name.

    Raises CommandError when there is none.
    """
    if not text:
        raise CommandError("Failed to get option 'device': Option argument is empty")
    try:
        found: NodeDeviceRef = ctx.connection.node_device_lookup_by_name(text)
    except VirtError as error:
        raise _missing(text, error) from error
    return found


def find_device_or_host(ctx: "Context", text: str) -> "NodeDeviceRef":
    """The node device with this name, or the SCSI host with this pair of names, "WWNN,WWPN".

    Raises CommandError when there is none.
    """
    if "," not in text:
        return find_device(ctx, text)
    names = split_list(text)
    if len(names) != 2:
        raise CommandError(f"Malformed device value '{text}'", hint="a name, or a pair WWNN,WWPN")
    for name in names:
        if len(name) != 16 or not HEX.issuperset(name):
            raise CommandError("", virt_error(INTERNAL_ERROR, f"Malformed wwn: {name}"))
    try:
        found: NodeDeviceRef = ctx.connection.node_device_lookup_scsi_host_by_wwn(names[0], names[1], 0)
    except VirtError as error:
        raise _missing(text, error) from error
    return found


def _missing(text: str, cause: VirtError) -> CommandError:
    return CommandError(f"Could not find matching device '{text}'", cause, hint="'nodedev-list' shows the devices")


def device_names(among: int = 0) -> "Completer":
    """For completion: the names of the devices that match `among` (virConnectListAllNodeDeviceFlags; 0 for all)."""

    def names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
        return [ref.name for ref in ctx.connection.connect_list_all_node_devices(among)]

    return names


def device(find: "Callable[[Context, str], Any] | None" = None, among: int = 0, late: bool = False) -> Data:
    """The option `<device>`; the command gets what `find` makes of it, or the text; `late` is declare.Opt's."""
    what = "the device's name, or WWNN,WWPN of a SCSI host" if find is find_device_or_host else "the device's name"
    return Data("device", what, empty=True, resolve=find, complete=device_names(among), late=late)
