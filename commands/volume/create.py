"""New volumes: `vol-create`, `vol-create-as`, `vol-create-from`, `vol-clone`."""

from vsh.backends.constants import storage as constants
from vsh.backends.errors import FROM_STORAGE, VirtError

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message, Text
from ..sizes import volume_size
from .lookup import ACTIVE_POOL, IN_POOL, VOL, find_volume, given, volume_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import StoragePoolRef

    from ..context import Context

PREALLOC = Flag("prealloc-metadata", "allocate the metadata of a qcow2 volume at once")
REFLINK = Flag("reflink", "share the data until one side changes it, on file systems that can")


def create_flags(prealloc_metadata: bool = False, reflink: bool = False, validate: bool = False) -> int:
    """The options as virStorageVolCreateFlags."""
    return (
        constants.STORAGE_VOL_CREATE_PREALLOC_METADATA * prealloc_metadata
        | constants.STORAGE_VOL_CREATE_REFLINK * reflink
        | constants.STORAGE_VOL_CREATE_VALIDATE * validate
    )


@command(
    "vol-create",
    group="volume",
    options=[ACTIVE_POOL, xml_file("volume"), PREALLOC, VALIDATE],
)
def create(ctx: "Context", pool: "StoragePoolRef", file: str, **how: bool) -> Message:
    """Create a volume in a storage pool from a file."""
    xml = read_file(file)
    with failing(f"Failed to create vol from {file}"):
        ref = ctx.connection.storage_vol_create_xml(pool, xml, create_flags(**how))
    return Message(f"Vol {ref.name} created from {file}", volume=volume_facts(ref), file=file)


@command(
    "vol-create-from",
    group="volume",
    options=[
        ACTIVE_POOL,
        xml_file("new volume"),
        Data("vol", "the volume to copy: its name (with --inputpool), key or path", empty=True, complete=VOL.complete),
        Opt("inputpool", "the pool that volume is in", empty=True, complete=IN_POOL.complete),
        PREALLOC,
        REFLINK,
        VALIDATE,
    ],
)
def create_from(
    ctx: "Context", pool: "StoragePoolRef", file: str, vol: str, inputpool: "str | None" = None, **how: bool
) -> Message:
    """Create a volume in a storage pool from a file, with the content of another volume.

    The new one may have another format.
    """
    source = find_volume(ctx, vol, inputpool, "inputpool")
    xml = read_file(file)
    with failing(f"Failed to create vol from {file}"):
        ref = ctx.connection.storage_vol_create_xml_from(pool, xml, source, create_flags(**how))
    line = f"Vol {ref.name} created from input vol {source.name}"
    return Message(line, volume=volume_facts(ref), source=volume_facts(source), file=file)


@command(
    "vol-create-as",
    group="volume",
    options=[
        ACTIVE_POOL,
        Data("name", "the volume's name"),
        Data("capacity", "its size: 10G, or a number of bytes", resolve=lambda ctx, text: volume_size(text)),
        Opt("allocation", "how much of it to allocate at once", empty=True),
        Opt("format", "its format: raw, qcow2 ..."),
        Opt("backing-vol", "the volume below it, whose content it has until it is written"),
        Opt("backing-vol-format", "the format of that volume"),
        PREALLOC,
        Flag("print-xml", "only show the XML"),
    ],
)
def create_as(
    ctx: "Context",
    pool: "StoragePoolRef",
    name: str,
    capacity: int,
    allocation: str = "",
    format: "str | None" = None,
    backing_vol: "str | None" = None,
    backing_vol_format: "str | None" = None,
    prealloc_metadata: bool = False,
    print_xml: bool = False,
) -> "Message | Text":
    """Create a volume in a storage pool as the options describe it."""
    lines = ["<volume>", f"  <name>{name}</name>", f"  <capacity>{capacity}</capacity>"]
    if allocation:
        lines.append(f"  <allocation>{volume_size(allocation)}</allocation>")
    if format is not None:
        lines += ["  <target>", f"    <format type='{format}'/>", "  </target>"]
    if backing_vol is not None:
        lines += ["  <backingStore>", f"    <path>{_backing_path(ctx, pool, backing_vol)}</path>"]
        if backing_vol_format is not None:
            lines.append(f"    <format type='{backing_vol_format}'/>")
        lines.append("  </backingStore>")
    xml = "\n".join([*lines, "</volume>", ""])
    if print_xml:
        return Text(xml, data={"xml": xml})
    with failing(f"Failed to create vol {name}"):
        ref = ctx.connection.storage_vol_create_xml(pool, xml, create_flags(prealloc_metadata))
    return Message(f"Vol {name} created", volume=volume_facts(ref))


def _backing_path(ctx: "Context", pool: "StoragePoolRef", text: str) -> str:
    """The path of the volume that `text` is the name of in `pool`, the key or the path."""
    answers = ctx.connection.batch(
        [
            ("storage_vol_lookup_by_name", (pool, text)),
            ("storage_vol_lookup_by_key", (text,)),
            ("storage_vol_lookup_by_path", (text,)),
        ]
    )
    ref = next((answer for answer in answers if not isinstance(answer, VirtError)), None)
    if ref is None:
        raise CommandError(f"failed to get vol '{text}'", answers[-1])
    return ctx.connection.storage_vol_get_path(ref)


@command(
    "vol-clone",
    group="volume",
    options=[
        VOL,
        Data("newname", "the name of the copy", empty=True),
        IN_POOL,
        PREALLOC,
        REFLINK,
        Flag("print-xml", "only show the XML"),
    ],
)
def clone(
    ctx: "Context",
    vol: str,
    newname: str,
    pool: "str | None" = None,
    prealloc_metadata: bool = False,
    reflink: bool = False,
    print_xml: bool = False,
) -> "Message | Text":
    """Copy a volume within its storage pool."""
    source = find_volume(ctx, vol, pool)
    with failing("failed to get parent pool"):
        parent = ctx.connection.storage_pool_lookup_by_volume(source)
    given("newname", newname)
    xml = renamed(ctx.connection.storage_vol_get_xml_desc(source, 0), newname)
    if print_xml:
        return Text(xml, data={"xml": xml})
    with failing(f"Failed to clone vol from {source.name}"):
        flags = create_flags(prealloc_metadata, reflink)
        ref = ctx.connection.storage_vol_create_xml_from(parent, xml, source, flags)
    line = f"Vol {ref.name} cloned from {source.name}"
    return Message(line, volume=volume_facts(ref), source=volume_facts(source))


def renamed(xml: str, name: str) -> str:
    """The definition of a volume with another name, which is taken as it is (virsh takes it for XML: `&` breaks it)."""
    from lxml import etree

    from vsh.backends.xml.parse import read_tree

    root = read_tree(xml, "(volume_definition)", FROM_STORAGE)
    element = root.find("name")
    if element is not None:
        element.text = name
    return etree.tostring(root, encoding="unicode", pretty_print=True).rstrip("\n")
