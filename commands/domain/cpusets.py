"""Sets of the host's CPUs: as users write them, as libvirt's bitmaps, as virsh shows them."""

from vsh.backends.errors import NO_SUPPORT, VirtError

from ..errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.api import Connection

    from ..context import Context

#: One past the highest CPU that virsh's commands take.
LIMIT = 1024


def host_cpus(connection: "Connection") -> int:
    """How many CPUs the host has, present or not.

    Raises VirtError.
    """
    try:
        return connection.node_get_cpu_map(0).ret
    except VirtError as error:
        if error.code != NO_SUPPORT:
            raise
    info = connection.node_get_info()
    return info.nodes * info.sockets * info.cores * info.threads


def parse(text: str, cpus: int) -> bytes:
    """The bitmap of the set `text` ("0-3,^2", or "r" for all) of a host's `cpus` CPUs.

    Raises CommandError.
    """
    from vsh.backends.xml.values import parse_cpuset

    if text.startswith("r"):
        chosen = frozenset(range(cpus))
    else:
        try:
            chosen = parse_cpuset(text)
            if max(chosen, default=0) >= LIMIT:
                raise _malformed(text)
        except VirtError:
            raise CommandError(f"Invalid cpulist '{text}'", _malformed(text)) from None
    if not chosen:
        raise CommandError(f"Invalid cpulist '{text}'")
    if max(chosen) >= cpus:
        raise CommandError(f"CPU {max(chosen)} in cpulist '{text}' exceed the maxcpu {cpus}")
    bits = bytearray((cpus + 7) // 8)
    for cpu in chosen:
        bits[cpu // 8] |= 1 << cpu % 8
    return bytes(bits)


def _malformed(text: str) -> VirtError:
    from vsh.backends.errors import INVALID_ARG, virt_error

    return virt_error(INVALID_ARG, f"Failed to parse bitmap '{text}'")


def members(bits: bytes, cpus: "int | None" = None) -> "list[int]":
    """The CPUs in a bitmap, of the first `cpus` or of all it has."""
    return [cpu for cpu in range(8 * len(bits) if cpus is None else cpus) if _has(bits, cpu)]


def shown(bits: bytes, cpus: int) -> str:
    """A bitmap as virsh shows it: "0-3,7"; bits beyond the last byte that `cpus` CPUs need are left out."""
    from vsh.backends.xml.values import format_cpuset

    return format_cpuset(frozenset(members(bits, (cpus + 7) // 8 * 8)))


def _has(bits: bytes, cpu: int) -> bool:
    return cpu // 8 < len(bits) and bool(bits[cpu // 8] >> cpu % 8 & 1)


def one_of(maps: bytes, number: int, count: int) -> bytes:
    """Map `number` of the `count` maps of one size that stand in `maps`."""
    size = len(maps) // count if count else 0
    return maps[number * size : (number + 1) * size]


def cpu_lists(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the host's CPUs."""
    return [str(cpu) for cpu in range(host_cpus(ctx.connection))]
