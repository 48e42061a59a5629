"""What adapters that work inside this process share: refusing flags, filters of lists, UUIDs as text."""

from . import errors
from .constants import connect as const
from .constants.domain import DOMAIN_PAUSED, DOMAIN_RUNNING, DOMAIN_SHUTOFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Listed(Protocol):
        """What a list's filters ask of a domain."""

        @property
        def active(self) -> bool: ...
        @property
        def persistent(self) -> bool: ...
        @property
        def state(self) -> int: ...
        @property
        def managed_save(self) -> bool: ...
        @property
        def autostart(self) -> bool: ...
        @property
        def snapshots(self) -> "dict[str, Any]": ...
        @property
        def checkpoints(self) -> "dict[str, Any]": ...


#: VIR_CONNECT_LIST_DOMAINS_*: the flag of a domain in each state (any other: OTHER), and all flags.
STATES = {
    DOMAIN_RUNNING: const.CONNECT_LIST_DOMAINS_RUNNING,
    DOMAIN_PAUSED: const.CONNECT_LIST_DOMAINS_PAUSED,
    DOMAIN_SHUTOFF: const.CONNECT_LIST_DOMAINS_SHUTOFF,
}
FILTERS = 0xFFFF
#: Bytes of the remote protocol's CPU maps.
CPU_MAP = 256


def invalid_arg(function: str, argument: str, text: str, domain: int) -> errors.VirtError:
    """What libvirt's virReportInvalidArg makes: a text without the code's own."""
    return errors.VirtError(errors.INVALID_ARG, text, domain=domain, str1=function, str2=argument, int1=0, int2=0)


def refuse_flags(function: str, flags: int, supported: int, domain: int) -> None:
    """Raise what libvirt's virCheckFlags in `function` raises for flags outside `supported`."""
    if flags & ~supported:
        text = f"unsupported flags (0x{flags & ~supported:x}) in function {function}"
        raise invalid_arg(function, "flags", text, domain)


def named_like(wrapper: "Any", method: "Any") -> "Any":
    """Give a decorator's function the name and text of the one it wraps.

    functools.wraps would cost the import of functools in every one-shot command.
    """
    wrapper.__name__, wrapper.__doc__, wrapper.__wrapped__ = method.__name__, method.__doc__, method
    return wrapper


def passes(flags: int, *groups: "tuple[int, int, int, object]") -> bool:
    """Whether an object passes the filters `flags` of a VIR_CONNECT_LIST_* call.

    A group is its flags, the flag of objects for which the fourth element is true, and that of the others; a group of
    which no flag is asked for lets everything pass.
    """
    return all(not flags & mask or flags & (yes if has else no) for mask, yes, no, has in groups)


def matches(domain: "Listed", flags: int) -> bool:
    """Whether a domain passes the filters VIR_CONNECT_LIST_DOMAINS_*; asks it for nothing that no filter is about."""
    return (
        passes(
            flags,
            (0x3, const.CONNECT_LIST_DOMAINS_ACTIVE, const.CONNECT_LIST_DOMAINS_INACTIVE, domain.active),
            (0xC, const.CONNECT_LIST_DOMAINS_PERSISTENT, const.CONNECT_LIST_DOMAINS_TRANSIENT, domain.persistent),
        )
        and (not flags & 0xF0 or bool(flags & STATES.get(domain.state, const.CONNECT_LIST_DOMAINS_OTHER)))
        and (not flags & ~0xFF or _keeps(domain, flags))
    )


def _keeps(domain: "Listed", flags: int) -> bool:
    return passes(
        flags,
        (
            0x300,
            const.CONNECT_LIST_DOMAINS_MANAGEDSAVE,
            const.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
            domain.managed_save,
        ),
        (0xC00, const.CONNECT_LIST_DOMAINS_AUTOSTART, const.CONNECT_LIST_DOMAINS_NO_AUTOSTART, domain.autostart),
        (0x3000, const.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, const.CONNECT_LIST_DOMAINS_NO_SNAPSHOT, domain.snapshots),
        (
            0xC000,
            const.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
            const.CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
            domain.checkpoints,
        ),
    )


def uuid_text(uuid: bytes) -> str:
    """A UUID as people read it."""
    text = uuid.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def to_map(cpus: "frozenset[int]", size: int = CPU_MAP) -> bytes:
    """A CPU map of `size` bytes; 0 for as few as hold them."""
    bits = sum(1 << cpu for cpu in cpus)
    size = size or (bits.bit_length() + 7) // 8
    return (bits & (1 << 8 * size) - 1).to_bytes(size, "little")


def from_map(cpumap: bytes) -> "frozenset[int]":
    """The CPUs in a map."""
    bits = int.from_bytes(cpumap, "little")
    return frozenset(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)
