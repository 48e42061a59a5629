"""Snapshots and checkpoints, moments in a domain's life that libvirt treats alike: names, lists, descriptions."""

from vsh.backends.errors import FROM_DOMAIN, NO_DOMAIN_CHECKPOINT, NO_DOMAIN_SNAPSHOT, NO_SUPPORT, VirtError

from .declare import Flag
from .domain.lookup import find_domain
from .errors import CommandError
from .named import by_name
from .results import Table, Text
from .tree import Tree
from .words import split_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

    from vsh.backends.records import DomainCheckpointRef, DomainRef, DomainSnapshotRef
    from vsh.backends.xml.serialize import Out

    from .context import Context

    Moment = DomainSnapshotRef | DomainCheckpointRef


#: The first options of the commands that list moments, and the pairs of options there that exclude each other.
FAMILY = (
    Flag("parent", "show the parents too"),
    Flag("roots", "only those without a parent"),
    Flag("leaves", "only those without children"),
    Flag("no-leaves", "only those with children"),
)
EXCLUSIVE = (("tree", "name"), ("parent", "roots"), ("parent", "tree"), ("roots", "tree"), ("roots", "from"))
#: The options that tell in which form they are listed.
TREE = Flag("tree", "as a tree")
FORM = (Flag("name", "just the names"), Flag("topological", "parents before children; else by name"))


class Kind:
    """A kind of moments: `word` names it in calls, elements and virsh's lines."""

    def __init__(self, word: str):
        self.word = word

    def names(self, ctx: "Context", given: "dict[str, str]") -> "list[str]":
        """For completion: those of the domain typed so far."""
        if not given.get("domain"):
            return []
        return [ref.name for ref in self.all(ctx, find_domain(ctx, given["domain"]), 0)]

    def all(self, ctx: "Context", domain: "DomainRef", flags: int) -> "list[Moment]":
        """A domain's moments that match `flags` (VIR_DOMAIN_*_LIST_*).

        Raises VirtError.
        """
        try:
            found: list[Moment] = getattr(ctx.connection, f"domain_list_all_{self.word}s")(domain, flags)
        except VirtError as error:
            if error.code != NO_SUPPORT or self.word != "snapshot":
                raise
            return _by_names(ctx, domain, flags)
        return found

    def children(self, ctx: "Context", ref: "Moment", flags: int) -> "list[Moment]":
        """The children of a moment that match `flags`, or with *_LIST_DESCENDANTS all that descend from it.

        Raises VirtError.
        """
        found: list[Moment] = getattr(ctx.connection, f"domain_{self.word}_list_all_children")(ref, flags)
        return found

    def parents(self, ctx: "Context", refs: "Sequence[Moment]") -> "list[str | None]":
        """The names of their parents, None for roots, in one round trip.

        Raises CommandError.
        """
        names: list[str | None] = []
        for answer in ctx.connection.batch([(f"domain_{self.word}_get_parent", (ref, 0)) for ref in refs]):
            if isinstance(answer, VirtError):
                if answer.code not in (NO_DOMAIN_SNAPSHOT, NO_DOMAIN_CHECKPOINT):
                    raise CommandError(f"unable to determine if {self.word} has parent", answer)
                names.append(None)
            else:
                names.append(answer.name)
        return names

    def parent(self, ctx: "Context", ref: "Moment") -> Text:
        """The name of the parent, as the commands that ask for it show it.

        Raises CommandError when there is none.
        """
        (name,) = self.parents(ctx, [ref])
        if name is None:
            raise CommandError(f"{self.word} '{ref.name}' has no parent")
        return Text(name, data={self.word: ref.name, "parent": name})

    def tree(self, ctx: "Context", refs: "Sequence[Moment]", start: "Moment | None") -> Tree:
        """`refs` as a tree, below `start` if that is given.

        Raises CommandError.
        """
        nodes = [(ref.name, parent) for ref, parent in zip(refs, self.parents(ctx, refs), strict=True)]
        return Tree(nodes if start is None else [(start.name, None), *nodes])

    def listing(
        self,
        ctx: "Context",
        refs: "Sequence[Moment]",
        start: "Moment | None",
        columns: "Sequence[str]",
        *,
        tree: bool,
        name: bool,
        topological: bool,
    ) -> "Tree | Text | Table":
        """`refs` in the form that the options TREE and FORM ask for; see `tree` and `table` for the rest.

        Raises CommandError.
        """
        refs = refs if topological else sorted(refs, key=by_name)
        if tree:
            return self.tree(ctx, refs, start)
        if name:
            return Text("".join(f"{ref.name}\n" for ref in refs), data=[{"name": ref.name} for ref in refs])
        return self.table(ctx, refs, columns)

    def table(self, ctx: "Context", refs: "Sequence[Moment]", columns: "Sequence[str]") -> Table:
        """`refs` with those of the columns state and parent that are wanted; what is gone meanwhile is left out."""
        rows, records = [], []
        for answer in ctx.connection.batch([(f"domain_{self.word}_get_xml_desc", (ref, 0)) for ref in refs]):
            facts = None if isinstance(answer, VirtError) else self.describe(answer)
            when = None if facts is None else local_time(facts["creation_time_seconds"])
            if facts is not None and when is not None:
                rows.append([facts["name"], when, *(facts[column] or "" for column in columns)])
                records.append({**facts, "state": snake(facts["state"])} if "state" in columns else facts)
        return Table(["Name", "Creation Time", *(column.capitalize() for column in columns)], rows, records)

    def describe(self, xml: str) -> "dict[str, Any] | None":
        """What a moment's XML says of it; None where it lacks what all have."""
        from vsh.backends.xml.parse import read_tree
        from vsh.backends.xml.values import signed

        root = read_tree(xml, f"(domain_{self.word})", FROM_DOMAIN)
        try:
            created = signed(root.findtext("creationTime", ""), bits=64)
        except ValueError:
            return None
        facts = {"name": root.findtext("name", ""), "creation_time_seconds": created}
        if self.word == "snapshot":
            facts["state"] = root.findtext("state", "")
            if not facts["state"]:
                return None
        facts["parent"] = root.findtext("parent/name") or None
        return facts


def _by_names(ctx: "Context", domain: "DomainRef", flags: int) -> "list[Moment]":
    """A domain's snapshots from a driver that knows only their names, as some of libvirt's do."""
    if not ctx.connection.domain_snapshot_num(domain, flags):
        return []
    names = ctx.connection.domain_snapshot_list_names(domain, flags)
    answers = ctx.connection.batch([("domain_snapshot_lookup_by_name", (domain, name, 0)) for name in names])
    return [answer for answer in answers if not isinstance(answer, VirtError)]


SNAPSHOT = Kind("snapshot")
CHECKPOINT = Kind("checkpoint")


def snake(state: str) -> str:
    """A snapshot's state for machines: `disk-snapshot` gives `disk_snapshot`."""
    return state.replace("-", "_")


def local_time(seconds: int) -> "str | None":
    """A time in the user's zone; None for one that no calendar has."""
    from time import localtime, strftime

    try:
        return strftime("%Y-%m-%d %H:%M:%S %z", localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return None


def document(kind: Kind, name: "str | None", description: "str | None") -> "Out":
    """The beginning of the XML that a moment is made from."""
    from vsh.backends.xml.serialize import Out

    out = Out(f"domain{kind.word}")
    out.spread = True
    for tag, text in (("name", name), ("description", description)):
        if text is not None:
            out.add(tag).write(text)
    return out


def disks(out: "Out", specs: "Sequence[str]", keys: "Collection[str]") -> "Iterator[tuple[Out, dict[str, str]]]":
    """Add the disks of `specs`, "NAME,KEY=VALUE,...", to `out`: each with what its keys say.

    Raises CommandError.
    """
    for spec in specs:
        name, *rest = split_list(spec)
        values: dict[str, str] = {}
        for part in rest:
            key, equals, value = part.partition("=")
            if not equals or key not in keys or key in values:
                raise CommandError(f"unable to parse diskspec: {spec}")
            values[key] = value
        if not name:
            raise CommandError(f"unable to parse diskspec: {spec}")
        disk = out.at("disks").add("disk")
        disk.set("name", name)
        yield disk, values
