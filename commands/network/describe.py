"""What people and programs write on a network: `net-desc`, `net-metadata`."""

from vsh.backends.constants import network as constants
from vsh.backends.constants.errors import NO_NETWORK_METADATA
from vsh.backends.errors import FROM_NETWORK, NO_SUPPORT, VirtError

from ..declare import Flag, command
from ..named import NETWORK, facts
from ..notes import ELEMENT, ELEMENT_EXCLUSIVE, TEXT, URI, Notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

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
        *TEXT,
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
    **change: "Any",
) -> "Result":
    """Show the description or title of a network, or change it.

    Drivers before libvirt 9.7 cannot change it.
    """
    flags, what = face(config, live), "title" if title else "description"
    type = constants.NETWORK_METADATA_TITLE if title else constants.NETWORK_METADATA_DESCRIPTION
    (old,) = descriptions(ctx, [network], title, flags)
    return _notes(ctx, network, flags).text(what, type, old, **change)


def _notes(ctx: "Context", network: "NetworkRef", flags: int) -> Notes:
    connection = ctx.connection
    return Notes(
        ctx,
        "network",
        facts(network),
        lambda type, uri: connection.network_get_metadata(network, type, uri, flags),
        lambda type, text, key, uri: connection.network_set_metadata(network, type, text, key, uri, flags),
    )


@command(
    "net-metadata",
    group="network",
    options=[
        NETWORK.option(),
        URI,
        *FACES,
        *ELEMENT,
    ],
    exclusive=[*EXCLUSIVE, *ELEMENT_EXCLUSIVE],
)
def metadata(
    ctx: "Context",
    network: "NetworkRef",
    uri: str,
    live: bool = False,
    config: bool = False,
    current: bool = False,
    **change: "Any",
) -> "Result":
    """Show the XML that an application attached to a network, or change it.

    Each application has one element in a namespace of its own. Drivers before libvirt 9.7 have none.
    """
    notes = _notes(ctx, network, face(config, live))
    return notes.element(constants.NETWORK_METADATA_ELEMENT, uri, **change)
