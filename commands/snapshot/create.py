"""`snapshot-create` and `snapshot-create-as`."""

from vsh.backends.constants import domain as constants
from vsh.backends.errors import INVALID_ARG, VirtError

from ..declare import Argv, Flag, Opt, command
from ..domain.lookup import DOMAIN, facts
from ..errors import CommandError
from ..files import VALIDATE, read_file
from ..moments import SNAPSHOT, disks, document
from ..results import Notice, Text
from ..words import split_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vsh.backends.records import DomainRef, DomainSnapshotRef
    from vsh.backends.xml.serialize import Out

    from ..context import Context

#: What options ask for (virDomainSnapshotCreateFlags).
FLAGS = {
    "redefine": constants.DOMAIN_SNAPSHOT_CREATE_REDEFINE,
    "current": constants.DOMAIN_SNAPSHOT_CREATE_CURRENT,
    "no_metadata": constants.DOMAIN_SNAPSHOT_CREATE_NO_METADATA,
    "halt": constants.DOMAIN_SNAPSHOT_CREATE_HALT,
    "disk_only": constants.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY,
    "reuse_external": constants.DOMAIN_SNAPSHOT_CREATE_REUSE_EXT,
    "quiesce": constants.DOMAIN_SNAPSHOT_CREATE_QUIESCE,
    "atomic": constants.DOMAIN_SNAPSHOT_CREATE_ATOMIC,
    "live": constants.DOMAIN_SNAPSHOT_CREATE_LIVE,
    "validate": constants.DOMAIN_SNAPSHOT_CREATE_VALIDATE,
}
HOW = [
    Flag("no-metadata", "take it without keeping a record of it"),
    Flag("halt", "stop the domain once it is taken"),
    Flag("disk-only", "the disks alone, not the memory"),
    Flag("reuse-external", "use files that exist for the external parts"),
    Flag("quiesce", "have the guest's agent freeze its file systems meanwhile"),
    Flag("atomic", "all disks or none"),
    Flag("live", "let the domain run while its memory is saved"),
    VALIDATE,
]


@command(
    "snapshot-create",
    group="snapshot",
    options=[
        DOMAIN,
        Opt("xmlfile", "a file with the snapshot's XML; without it the hypervisor chooses name and form"),
        Flag("redefine", "record a snapshot that exists already"),
        Flag("current", "with --redefine, make it the current one"),
        *HOW,
    ],
)
def snapshot_create(ctx: "Context", domain: "DomainRef", xmlfile: "str | None" = None, **wanted: bool) -> Notice:
    """Take a snapshot of a domain as an XML file describes it.

    Of a running domain it holds memory and disks, of one that does not run the disks.
    """
    xml = "<domainsnapshot/>" if xmlfile is None else read_file(xmlfile)
    return _take(ctx, domain, xml, _flags(wanted), xmlfile)


@command(
    "snapshot-create-as",
    group="snapshot",
    options=[
        DOMAIN,
        Opt("name", "its name"),
        Opt("description", "a description"),
        Flag("print-xml", "only show the XML that it would be made from"),
        *HOW,
        Opt("memspec", "where the memory goes: [file=]FILE[,snapshot=TYPE]", positional=False),
        Argv("diskspec", "a disk and where it goes: DISK[,snapshot=TYPE][,driver=TYPE][,file=FILE]"),
    ],
)
def snapshot_create_as(
    ctx: "Context",
    domain: "DomainRef",
    name: "str | None" = None,
    description: "str | None" = None,
    print_xml: bool = False,
    memspec: "str | None" = None,
    diskspec: "Sequence[str]" = (),
    **wanted: bool,
) -> "Notice | Text":
    """Take a snapshot of a domain as options describe it.

    A comma that belongs to a file's name is written twice.
    """
    out = document(SNAPSHOT, name, description)
    if memspec is not None:
        _memory(out, memspec)
    for disk, values in disks(out, diskspec, ("snapshot", "driver", "file")):
        if "snapshot" in values:
            disk.set("snapshot", values["snapshot"])
        if "driver" in values:
            disk.at("driver").set("type", values["driver"])
        if "file" in values:
            disk.at("source").set("file", values["file"])
    xml = out.render()
    if print_xml:
        return Text(xml + "\n", data={"xml": xml})
    return _take(ctx, domain, xml, _flags(wanted))


def _flags(wanted: "dict[str, bool]") -> int:
    return sum(FLAGS[name] for name in wanted)


def _memory(out: "Out", spec: str) -> None:
    values: dict[str, str] = {}
    for part in split_list(spec):
        key, equals, value = ("file", "=", part) if part.startswith("/") else part.partition("=")
        if not equals or key not in ("file", "snapshot") or key in values:
            raise CommandError(f"unable to parse memspec: {spec}")
        values[key] = value
    memory = out.add("memory")
    for key in ("snapshot", "file"):
        if key in values:
            memory.set(key, values[key])


def _take(ctx: "Context", domain: "DomainRef", xml: str, flags: int, file: "str | None" = None) -> Notice:
    try:
        ref = ctx.connection.domain_snapshot_create_xml(domain, xml, flags)
    except VirtError as error:
        if error.code != INVALID_ARG or not flags & constants.DOMAIN_SNAPSHOT_CREATE_HALT:
            raise
        ref = _take_and_stop(ctx, domain, xml, flags & ~constants.DOMAIN_SNAPSHOT_CREATE_HALT)
    origin = "" if file is None else f" from '{file}'"
    return Notice(
        f"Domain snapshot {ref.name} created{origin}",
        data={"domain": facts(domain), "snapshot": ref.name, "file": file},
    )


def _take_and_stop(ctx: "Context", domain: "DomainRef", xml: str, flags: int) -> "DomainSnapshotRef":
    """For drivers that do not know how to stop a domain after its snapshot."""
    if not ctx.connection.domain_is_persistent(domain):
        raise CommandError("cannot halt after snapshot of transient domain")
    running = ctx.connection.domain_is_active(domain)
    ref = ctx.connection.domain_snapshot_create_xml(domain, xml, flags)
    if running:
        ctx.connection.domain_destroy(domain)
    return ref
