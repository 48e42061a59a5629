"""`snapshot-current`, `snapshot-dumpxml`, `snapshot-info` and `snapshot-parent`."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import FROM_DOMAIN, NO_SUPPORT, VirtError

from ..answers import truth, yes_no
from ..declare import Data, Flag, command
from ..document import XPATH, checked, shown
from ..domain.lookup import Domain, facts, find_domain, find_named
from ..errors import CommandError
from ..moments import SNAPSHOT, snake
from ..results import Notice, Pairs, Text
from .lookup import DOMAIN, HAVING, by_name, chosen, redefining, snapshot_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vsh.backends.records import DomainRef

    from ..context import Context

SECURE = Flag("security-info", "passwords and the like too")


@command(
    "snapshot-current",
    group="snapshot",
    options=[
        Domain(HAVING, find_named),
        Flag("name", "just its name"),
        SECURE,
        snapshot_name("make the snapshot of this name the current one"),
    ],
    exclusive=[("name", "snapshotname")],
)
def snapshot_current(
    ctx: "Context",
    domain: "tuple[str, DomainRef]",
    name: bool = False,
    security_info: bool = False,
    snapshotname: "str | None" = None,
) -> "Text | Notice":
    """Show the XML of a domain's current snapshot, or choose another as current.

    The current snapshot is the one taken or gone back to last; the next will be its child.
    """
    given, ref = domain
    connection = ctx.connection
    if snapshotname is not None:
        xml = connection.domain_snapshot_get_xml_desc(
            by_name(ctx, ref, snapshotname), constants.DOMAIN_SNAPSHOT_XML_SECURE
        )
        connection.domain_snapshot_create_xml(ref, xml, redefining(xml, current=True))
        return Notice(f"Snapshot {snapshotname} set as current", data={"domain": facts(ref), "snapshot": snapshotname})
    if not connection.domain_has_current_snapshot(ref, 0):
        raise CommandError(f"domain '{given}' has no current snapshot")
    snapshot = connection.domain_snapshot_current(ref, 0)
    if name:
        return Text(snapshot.name, data={"name": snapshot.name})
    return shown(
        ctx, connection.domain_snapshot_get_xml_desc(snapshot, constants.DOMAIN_SNAPSHOT_XML_SECURE * security_info)
    )


@command(
    "snapshot-dumpxml",
    group="snapshot",
    options=[
        Domain(HAVING, resolve=None),
        Data("snapshotname", "the snapshot's name", complete=SNAPSHOT.names),
        SECURE,
        *XPATH,
    ],
)
def snapshot_dumpxml(
    ctx: "Context",
    domain: str,
    snapshotname: str,
    security_info: bool = False,
    xpath: "str | None" = None,
    wrap: bool = False,
) -> Text:
    """Show the XML of a snapshot.

    It has the definition that the domain had then.
    """
    ref = by_name(ctx, find_domain(ctx, domain), snapshotname)
    checked(xpath)
    xml = ctx.connection.domain_snapshot_get_xml_desc(ref, constants.DOMAIN_SNAPSHOT_XML_SECURE * security_info)
    return shown(ctx, xml, xpath, wrap)


@command(
    "snapshot-info",
    group="snapshot",
    options=[DOMAIN, snapshot_name(), Flag("current", "the current snapshot")],
)
def snapshot_info(
    ctx: "Context", domain: "DomainRef", snapshotname: "str | None" = None, current: bool = False
) -> "Iterator[Pairs]":
    """Show basic facts about a snapshot.

    In what state the domain was, where the snapshot is kept, and its place among the others.
    """
    ref = chosen(ctx, domain, snapshotname, current)
    is_current, xml, children, descendants, metadata = ctx.connection.batch(
        [
            ("domain_snapshot_is_current", (ref, 0)),
            ("domain_snapshot_get_xml_desc", (ref, 0)),
            ("domain_snapshot_num_children", (ref, 0)),
            ("domain_snapshot_num_children", (ref, constants.DOMAIN_SNAPSHOT_LIST_DESCENDANTS)),
            ("domain_snapshot_has_metadata", (ref, 0)),
        ]
    )
    rows = [("Name:", ref.name), ("Domain:", domain.name), ("Current:", yes_no(is_current, "no"))]
    data: dict[str, Any] = {"name": ref.name, "domain": facts(domain), "current": truth(is_current)}
    failure = xml if isinstance(xml, VirtError) else None
    if failure is None:
        rows += _described(xml, data)
        failure = _family(children, descendants, rows, data)
    if failure is None and not isinstance(descendants, VirtError) and not isinstance(metadata, VirtError):
        rows.append(("Metadata:", yes_no(metadata)))
        data["metadata"] = bool(metadata)
    yield Pairs(rows, data)
    if failure is not None:
        raise failure


def _described(xml: str, data: "dict[str, Any]") -> "Iterator[tuple[str, str]]":
    """What the snapshot's XML says: the state it holds, whether parts are in files of their own, its parent."""
    from vsh.backends.xml.parse import read_tree

    root = read_tree(xml, "(domain_snapshot)", FROM_DOMAIN)
    state = root.findtext("state", "")
    if not state:
        raise CommandError("unexpected problem reading snapshot xml")
    if root.find("memory") is None:  # from before libvirt 1.0.1
        external = state == "disk-snapshot"
    else:
        parts = [root.find("memory[@snapshot='external']"), root.find("disks/disk[@snapshot='external']")]
        external = any(part is not None for part in parts)
    location = "external" if external else "internal"
    parent = root.findtext("parent/name") or None
    data |= {"state": snake(state), "location": location, "parent": parent}
    yield "State:", state
    yield "Location:", location
    yield "Parent:", parent or "-"


def _family(
    children: "int | VirtError",
    descendants: "int | VirtError",
    rows: "list[tuple[str, str]]",
    data: "dict[str, Any]",
) -> "VirtError | None":
    """Add how many children and descendants there are; the error that ends the command, if there is one."""
    for key, count in (("children", children), ("descendants", descendants)):
        if isinstance(count, VirtError):
            return None if key == "children" and count.code == NO_SUPPORT else count
        rows.append((f"{key.capitalize()}:", str(count)))
        data[key] = count
    return None


@command(
    "snapshot-parent",
    group="snapshot",
    options=[DOMAIN, snapshot_name(), Flag("current", "the current snapshot")],
)
def snapshot_parent(
    ctx: "Context", domain: "DomainRef", snapshotname: "str | None" = None, current: bool = False
) -> Text:
    """Show the name of a snapshot's parent.

    The parent is the snapshot that was current when it was taken.
    """
    return SNAPSHOT.parent(ctx, chosen(ctx, domain, snapshotname, current))
