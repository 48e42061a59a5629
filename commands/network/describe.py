"""What people and programs write on a network: `net-desc`, `net-metadata`."""

from vsh.backends.constants import network as constants
from vsh.backends.constants.errors import NO_NETWORK_METADATA
from vsh.backends.errors import FROM_NETWORK, NO_SUPPORT, VirtError

from ..declare import Argv, Data, Flag, Opt, command
from ..editing import Edit
from ..errors import CommandError, failing
from ..named import NETWORK, facts
from ..results import Message, Notice, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vsh.backends.records import NetworkRef

    from ..context import Context
    from ..results import Result

#: What a network's metadata is to be read from or changed in.
FACES = (
    Flag("live", "the active network"),
    Flag("config", "the stored definition"),
    Flag("current", "the active network if it is active, else the stored definition; this is the default"),
)
EXCLUSIVE = [("current", "live"), ("current", "config")]


def face(config: bool, live: bool) -> int:
    """The options of FACES as virNetworkUpdateFlags."""
    return constants.NETWORK_UPDATE_AFFECT_CONFIG * config | constants.NETWORK_UPDATE_AFFECT_LIVE * live


def descriptions(ctx: "Context", networks: "Sequence[NetworkRef]", title: bool, flags: int = 0) -> "list[str]":
    """The descriptions or titles of networks, "" where there is none; drivers without virNetworkGetMetadata tell them
    in the XML.

    Raises VirtError.
    """
    kind = constants.NETWORK_METADATA_TITLE if title else constants.NETWORK_METADATA_DESCRIPTION
    found = ctx.connection.batch([("network_get_metadata", (ref, kind, None, flags)) for ref in networks])
    lacking = [i for i, answer in enumerate(found) if isinstance(answer, VirtError) and answer.code == NO_SUPPORT]
    stored = constants.NETWORK_XML_INACTIVE * bool(flags & constants.NETWORK_UPDATE_AFFECT_CONFIG)
    documents = ctx.connection.batch([("network_get_xml_desc", (networks[i], stored)) for i in lacking])
    for i, xml in zip(lacking, documents, strict=True):
        found[i] = xml if isinstance(xml, VirtError) else _told(xml, "title" if title else "description")
    for i, answer in enumerate(found):
        if isinstance(answer, VirtError):
            if answer.code != NO_NETWORK_METADATA:
                raise answer
            found[i] = ""
    return found


def _told(xml: str, tag: str) -> str:
    from vsh.backends.xml.parse import read_tree

    return read_tree(xml, "(network_definition)", FROM_NETWORK).findtext(tag) or ""


@command(
    "net-desc",
    group="network",
    options=[
        NETWORK.option(),
        *FACES,
        Flag("title", "the title, one short line, instead of the description"),
        Flag("edit", "change it in an editor"),
        Argv("new-desc", "what it shall be"),
    ],
    exclusive=EXCLUSIVE,
)
def desc(
    ctx: "Context",
    network: "NetworkRef",
    live: bool = False,
    config: bool = False,
    current: bool = False,
    title: bool = False,
    edit: bool = False,
    new_desc: "list[str] | None" = None,
) -> "Result":
    """Show the description or title of a network, or change it.

    Drivers before libvirt 9.7 cannot change it.
    """
    flags, what = face(config, live), "title" if title else "description"
    kind = constants.NETWORK_METADATA_TITLE if title else constants.NETWORK_METADATA_DESCRIPTION
    (old,) = descriptions(ctx, [network], title, flags)
    if not edit and new_desc is None:
        if not old:
            return Notice(f"No {what} for network: {network.name}", data={what: None})
        return Text(old, data={what: old})

    def store(text: str) -> bool:
        with failing(f"Failed to set new network {what}"):
            ctx.connection.network_set_metadata(network, kind, text, None, None, flags)
        return True

    def accept(edited: str) -> bool:
        # Editors end the last line, and a title has no line end.
        edited = edited.removesuffix("\n") if title else edited
        return edited != old and store(edited)

    new = old if new_desc is None else " ".join(new_desc)
    if not (ctx.edit(new, accept) if edit else store(new)):
        return Message(f"Network {what} not changed", network=facts(network), changed=False)
    return Notice(f"Network {what} updated successfully", data={"network": facts(network), "changed": True})


@command(
    "net-metadata",
    group="network",
    options=[
        NETWORK.option(),
        Data("uri", "the namespace of the metadata"),
        *FACES,
        Flag("edit", "change it in an editor"),
        Opt("key", "the prefix of the namespace, for new metadata"),
        Opt("set", "an XML element: the new metadata"),
        Flag("remove", "remove the metadata of that namespace"),
    ],
    exclusive=[*EXCLUSIVE, ("edit", "set"), ("remove", "set"), ("remove", "edit")],
)
def metadata(
    ctx: "Context",
    network: "NetworkRef",
    uri: str,
    live: bool = False,
    config: bool = False,
    current: bool = False,
    edit: bool = False,
    key: "str | None" = None,
    set: "str | None" = None,
    remove: bool = False,
) -> "Result":
    """Show the XML that an application attached to a network, or change it.

    Each application has one element in a namespace of its own. Drivers before libvirt 9.7 have none.
    """
    flags, element = face(config, live), constants.NETWORK_METADATA_ELEMENT
    if (set or edit) and not key:
        raise CommandError("namespace key is required when modifying metadata")

    def store(xml: "str | None", validate: bool = False) -> bool:
        ctx.connection.network_set_metadata(network, element, xml, key, uri, flags)
        return True

    def fetch() -> str:
        try:
            return ctx.connection.network_get_metadata(network, element, uri, flags)
        except VirtError:
            return "\n"

    if edit:
        changed = bool(Edit(ctx, fetch, store).run())
        line = "Metadata modified\n" if changed else "Metadata not changed"
        return Notice(line, data={"network": facts(network), "uri": uri, "changed": changed})
    if set or remove:
        store(set)
        line = f"Metadata {'removed' if remove else 'modified'}"
        return Message(line, network=facts(network), uri=uri, changed=True)
    found = ctx.connection.network_get_metadata(network, element, uri, flags)
    return Text(found + "\n", data={"uri": uri, "xml": found})
