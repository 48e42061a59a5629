"""`net-update`: change one part of a network, also of one that is active."""

from vsh.backends.constants import network as constants
from vsh.backends.errors import VirtError

from ..declare import Data, Flag, Int, command
from ..errors import CommandError, failing
from ..files import read_file
from ..named import NETWORK, facts
from ..results import Notice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import NetworkRef

    from ..context import Context

COMMANDS = {
    "modify": constants.NETWORK_UPDATE_COMMAND_MODIFY,
    "delete": constants.NETWORK_UPDATE_COMMAND_DELETE,
    "add-last": constants.NETWORK_UPDATE_COMMAND_ADD_LAST,
    "add-first": constants.NETWORK_UPDATE_COMMAND_ADD_FIRST,
    "add": constants.NETWORK_UPDATE_COMMAND_ADD_LAST,
}
#: In the order of virNetworkUpdateSection, from 1 on.
SECTIONS = (
    "bridge", "domain", "ip", "ip-dhcp-host", "ip-dhcp-range", "forward", "forward-interface", "forward-pf",
    "portgroup", "dns-host", "dns-txt", "dns-srv",
)  # fmt: skip


def to_command(ctx: "Context", text: str) -> int:
    """The number of an update command.

    Raises CommandError.
    """
    if text not in COMMANDS:
        raise CommandError(f"unrecognized command name '{text}'", hint=f"one of {', '.join(COMMANDS)}")
    return COMMANDS[text]


def to_section(ctx: "Context", text: str) -> int:
    """The number of a section.

    Raises CommandError.
    """
    if text not in SECTIONS:
        raise CommandError(f"unrecognized section name '{text}'", hint=f"one of {', '.join(SECTIONS)}")
    return SECTIONS.index(text) + 1


@command(
    "net-update",
    group="network",
    options=[
        NETWORK.option(),
        Data("command", "modify, delete, add-first or add-last (add)", resolve=to_command,
             complete=lambda ctx, given: list(COMMANDS)),
        Data("section", "which part of the network", resolve=to_section, complete=lambda ctx, given: SECTIONS),
        Data("xml", "the element, if it begins with <, else a file that holds it"),
        Int("parent-index", "among several parents (<ip> elements), the one meant: 0 for the first"),
        Flag("config", "the stored definition, for the next start"),
        Flag("live", "the active network"),
        Flag("current", "the active network if it is active, else the stored definition; this is the default"),
    ],
    exclusive=[("current", "live"), ("current", "config")],
)  # fmt: skip
def update(
    ctx: "Context",
    network: "NetworkRef",
    command: int,
    section: int,
    xml: str,
    parent_index: int = -1,
    config: bool = False,
    live: bool = False,
    current: bool = False,
) -> Notice:
    """Change one part of a network: a DHCP host, a DNS record, a port group ...

    An element to modify or delete is found by what identifies it, such as its name, MAC or IP address.
    """
    element = xml if xml[0] == "<" else read_file(xml)
    flags = constants.NETWORK_UPDATE_AFFECT_CONFIG * config | constants.NETWORK_UPDATE_AFFECT_LIVE * live
    with failing(f"Failed to update network {network.name}"):
        ctx.connection.network_update(network, command, section, parent_index, element, flags)
    changed_live = live or (not config and _active(ctx, network))
    changed_config = config or not changed_live
    affected = ["persistent config"] * changed_config + ["live state"] * changed_live
    data = {"network": facts(network), "section": SECTIONS[section - 1].replace("-", "_")}
    return Notice(
        f"Updated network {network.name} {' and '.join(affected)}",
        data | {"config": changed_config, "live": changed_live},
    )


def _active(ctx: "Context", network: "NetworkRef") -> bool:
    try:
        return bool(ctx.connection.network_is_active(network))
    except VirtError:
        return True  # virsh counts an answer it does not get as yes
