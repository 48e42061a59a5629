"""The host interface that a command is about: its name, or its MAC address."""

from vsh.backends.errors import VirtError

from ..declare import Data
from ..errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vsh.backends.records import InterfaceRef

    from ..context import Context
    from ..declare import Completer

HINT = "'iface-list --all' shows the interfaces"


def find_interface(
    ctx: "Context", text: str, by: "Sequence[str]" = ("name", "mac"), option: str = "interface"
) -> "InterfaceRef":
    """The interface `text` stands for: a MAC address if it is one, else a name; `option` is where it came from.

    Raises CommandError when there is none.
    """
    from vsh.backends.xml.values import parse_mac

    if not text:
        raise CommandError(f"Failed to get option '{option}': Option argument is empty")
    try:
        parse_mac(text)
        way = "mac"
    except ValueError:
        way = "name"
    if way not in by:
        raise CommandError(f"failed to get interface '{text}'", hint=HINT)
    try:
        found: InterfaceRef
        if way == "mac":
            found = ctx.connection.interface_lookup_by_mac_string(text)
        else:
            found = ctx.connection.interface_lookup_by_name(text)
    except VirtError as error:
        raise CommandError(f"failed to get interface '{text}'", error, hint=HINT) from error
    return found


def interface_names(among: int = 3) -> "Completer":
    """For completion: the names of the interfaces that match `among` (virConnectListAllInterfacesFlags)."""

    def names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
        return [ref.name for ref in ctx.connection.connect_list_all_interfaces(among)]

    return names


def interface(resolve: "Callable[[Context, str], Any] | None" = None, among: int = 3) -> Data:
    """The option `<interface>`; the command gets what `resolve` makes of it, or the text."""
    what = "the interface's name or MAC address"
    return Data("interface", what, empty=True, resolve=resolve, complete=interface_names(among))


def facts(ref: "InterfaceRef") -> "dict[str, str | None]":
    """An interface for machines: its name and MAC address."""
    return {"name": ref.name, "mac": ref.mac or None}
