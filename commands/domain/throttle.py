"""`blkdeviotune` and the throttle groups: limits on what goes to and from a domain's disks."""

from vsh.backends.constants.domain import DOMAIN_XML_INACTIVE
from vsh.backends.params import STRING, ULLONG, TypedParams

from ..declare import Alias, Data, Flag, Int, Opt, Scaled, command
from ..errors import CommandError, failing
from ..params import Params, dict_of, getting
from ..results import Done, Pairs, Table
from .impact import EXCLUSIVE, IMPACT, impact
from .lookup import DOMAIN, find_domain
from .targets import definition, disk_targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lxml.etree import _Element

    from vsh.backends.records import DomainRef

    from ..context import Context

WAYS = ("total", "read", "write")
#: Limits in bytes per second, then the others, as virsh reads them: options and what they mean.
BYTES = {
    **{f"{way}-bytes-sec": f"bytes per second, {way}" for way in WAYS},
    **{f"{way}-bytes-sec-max": f"bytes per second in bursts, {way}" for way in WAYS},
}
NUMBERS = {
    **{f"{way}-iops-sec": f"operations per second, {way}" for way in WAYS},
    **{f"{way}-iops-sec-max": f"operations per second in bursts, {way}" for way in WAYS},
    "size-iops-sec": "larger operations count as several of so many bytes",
    **{f"{way}-bytes-sec-max-length": f"seconds that a burst of bytes may last, {way}" for way in WAYS},
    **{f"{way}-iops-sec-max-length": f"seconds that a burst of operations may last, {way}" for way in WAYS},
}
LIMITS = BYTES | NUMBERS
#: The options in virsh's order, which bare words follow.
ORDER = [f"{way}-{what}-sec{end}" for end in ("", "-max") for what in ("bytes", "iops") for way in WAYS]
LENGTHS = [f"{way}-{what}-sec-max-length" for what in ("bytes", "iops") for way in WAYS]


class Limit(Opt):
    """A limit; the command gets the text, which it reads in an order of its own."""

    kind = "int"
    value = "number"


def _options(names: "list[str]", positional: bool = True) -> "Iterator[Opt]":
    for name in names:
        yield Alias(name.replace("-", "_"), name)
        yield Limit(name, LIMITS[name], empty=True, positional=positional)


def _limits(ctx: "Context", given: "dict[str, Any]", group: "str | None" = None) -> TypedParams:
    """Take the limits, and the name of a group, out of what was given. Raises CommandError."""
    params = TypedParams()
    for name in LIMITS:
        key = name.replace("-", "_")
        if key in given:
            whole = Scaled(name, most=2**64 - 1) if name in BYTES else Int(name, least=0, most=2**64 - 1)
            try:
                params.add(key, ULLONG, whole.convert(ctx, given.pop(key)))
            except CommandError as error:
                ctx.warn(error.summary)
                raise CommandError("Unable to parse integer parameter", error.cause) from error
    if group is not None:
        if not group:
            ctx.warn("Failed to get option 'group-name': Option argument is empty")
            raise CommandError("Unable to parse group-name parameter")
        params.add("group_name", STRING, group)
    return params


@command(
    "blkdeviotune",
    group="domain",
    options=[
        DOMAIN,
        Data("device", "the disk's target or source", complete=disk_targets),
        *_options([*ORDER, "size-iops-sec"]),
        Alias("group_name", "group-name"),
        Opt("group-name", "share the limits with the other disks of this group", empty=True),
        *_options(LENGTHS),
        *IMPACT,
    ],
    exclusive=EXCLUSIVE,
)
def blkdeviotune(
    ctx: "Context", domain: "DomainRef", device: str, group_name: "str | None" = None, **given: "Any"
) -> "Done | Params":
    """Show or set limits on what goes to and from a disk of a domain.

    Without limits those that hold are shown; 0 lifts one. Total excludes read and write.
    """
    params = _limits(ctx, given, group_name)
    flags = impact(**given)
    if not params:
        with getting(ctx.connection, "block I/O throttle", device):
            return Params(ctx.connection.domain_get_block_io_tune(domain, device, flags), device=device)
    with failing("Unable to change block I/O throttle"):
        ctx.connection.domain_set_block_io_tune(domain, device, params, flags)
    return Done(device=device, **dict_of(params))


# -- throttle groups (libvirt 11.2) ----------------------------------------------------------------------------------


def group_names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the throttle groups of the typed domain."""
    if not given.get("domain"):
        return []
    return [name for name, _ in _groups(definition(ctx, find_domain(ctx, given["domain"])))]


def _groups(root: "_Element") -> "Iterator[tuple[str, _Element]]":
    for group in root.iterfind("throttlegroups/throttlegroup"):
        name = group.findtext("group_name")
        if name:
            yield name, group


GROUP = Data("group-name", "the group's name", complete=group_names)


@command(
    "domthrottlegroupset",
    group="domain",
    options=[DOMAIN, GROUP, *_options([*ORDER, "size-iops-sec", *LENGTHS], positional=False), *IMPACT],
    exclusive=EXCLUSIVE,
)
def domthrottlegroupset(ctx: "Context", domain: "DomainRef", group_name: str, **given: "Any") -> Done:
    """Set the limits of a throttle group of a domain.

    The group is made if there is none; disks join it with a throttle filter.
    """
    params = _limits(ctx, given)
    ctx.connection.domain_set_throttle_group(domain, group_name, params, impact(**given))
    return Done(group_name=group_name, **dict_of(params))


@command("domthrottlegroupdel", group="domain", options=[DOMAIN, GROUP, *IMPACT], exclusive=EXCLUSIVE)
def domthrottlegroupdel(ctx: "Context", domain: "DomainRef", group_name: str, **where: bool) -> Done:
    """Remove a throttle group of a domain.

    No disk may be in it.
    """
    ctx.connection.domain_del_throttle_group(domain, group_name, impact(**where))
    return Done(group_name=group_name)


@command(
    "domthrottlegroupinfo",
    group="domain",
    options=[DOMAIN, GROUP, Flag("inactive", "that of the stored definition")],
)
def domthrottlegroupinfo(ctx: "Context", domain: "DomainRef", group_name: str, inactive: bool = False) -> Pairs:
    """Show the limits of a throttle group of a domain."""
    for name, group in _groups(definition(ctx, domain, DOMAIN_XML_INACTIVE * inactive)):
        if name == group_name:
            values = {str(child.tag): child.text or "" for child in group}
            data = {key: int(value) if value.isdecimal() else value for key, value in values.items()}
            return Pairs([(f"{key:<15}:", value) for key, value in values.items()], data)
    raise CommandError(f"throttle group '{group_name}' was not found", hint="domthrottlegrouplist shows the groups")


@command("domthrottlegrouplist", group="domain", options=[DOMAIN, Flag("inactive", "those of the stored definition")])
def domthrottlegrouplist(ctx: "Context", domain: "DomainRef", inactive: bool = False) -> Table:
    """List the throttle groups of a domain."""
    names = [name for name, _ in _groups(definition(ctx, domain, DOMAIN_XML_INACTIVE * inactive))]
    return Table(["Name"], [[name] for name in names], [{"name": name} for name in names])
