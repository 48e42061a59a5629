"""`change-media`: the medium in a CD-ROM or floppy drive."""

from vsh.backends.constants.domain import DOMAIN_AFFECT_CONFIG, DOMAIN_DEVICE_MODIFY_FORCE, DOMAIN_XML_INACTIVE
from vsh.backends.xml.dump import dump

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..results import Text
from .impact import CONFIG, CURRENT, EXCLUSIVE, LIVE, impact
from .lookup import Domain, facts, find_domain
from .parts import REMOVABLE, find_disk, unlink
from .targets import disk_targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lxml.etree import _Element

    from ..context import Context

#: Between a disk's parts, where libvirt writes them.
INDENT = "\n      "


@command(
    "change-media",
    group="domain",
    options=[
        Domain(resolve=None),
        Data("path", "the drive's target (hdc) or the medium in it", complete=disk_targets),
        Opt("source", "the new medium"),
        Flag("eject", "take the medium out"),
        Flag("insert", "put one into an empty drive"),
        Flag("update", "change the one that is in it; this is the default"),
        CURRENT,
        LIVE,
        CONFIG,
        Flag("force", "even against the guest's will: it may have locked the tray"),
        Flag("print-xml", "only show the XML that the drive would get"),
        Flag("block", "the new medium is a block device"),
    ],
    exclusive=[("eject", "insert"), ("eject", "update"), ("insert", "update"), ("eject", "block"), *EXCLUSIVE],
)
def change_media(
    ctx: "Context",
    domain: str,
    path: str,
    source: "str | None" = None,
    eject: bool = False,
    insert: bool = False,
    update: bool = False,
    current: bool = False,
    live: bool = False,
    config: bool = False,
    force: bool = False,
    print_xml: bool = False,
    block: bool = False,
) -> Text:
    """Change, insert or eject the medium of a CD-ROM or floppy drive.

    To update without a source is to eject.
    """
    action = "eject" if eject or (update and source is None) else "insert" if insert else "update"
    flags = impact(config, live)
    ref = find_domain(ctx, domain)
    disk = find_disk(ctx, ref, path, DOMAIN_XML_INACTIVE * bool(flags & DOMAIN_AFFECT_CONFIG), REMOVABLE)
    _change(disk, path, action, source, block)
    xml = dump(disk)
    if print_xml:
        return Text(xml, data={"xml": xml})
    with failing(f"Failed to complete action {action} on media"):
        ctx.connection.domain_update_device_flags(ref, xml, flags | DOMAIN_DEVICE_MODIFY_FORCE * force)
    done = {"eject": "ejected", "insert": "inserted", "update": "updated"}[action]
    return Text(
        f"Successfully {done} media.",
        data={"domain": facts(ref), "drive": path, "action": action, "source": None if action == "eject" else source},
    )


def _change(disk: "_Element", path: str, action: str, source: "str | None", block: bool) -> None:
    """Give the drive its new medium, or none.

    Raises CommandError.
    """
    from lxml import etree

    there = disk.find("source")
    if action == "eject":
        if there is None:
            raise CommandError(f"The disk device '{path}' doesn't have media")
        source, block = None, False
    elif source is None:
        raise CommandError("New disk media source was not specified")
    policy = None
    if there is not None:
        if action == "insert" and any(there.get(name) for name in ("file", "dev", "dir", "pool", "name")):
            raise CommandError(f"The disk device '{path}' already has media")
        policy = there.get("startupPolicy")
        unlink(there)
    disk.set("type", "block" if block else "file")
    if source is not None:
        new = etree.Element("source", {"dev" if block else "file": source})
        if policy is not None:
            new.set("startupPolicy", policy)
        new.tail = INDENT
        target = disk.find("target")
        disk.insert(len(disk) if target is None else disk.index(target), new)
