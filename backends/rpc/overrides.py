"""Calls whose form on the wire differs from the contract's: the daemon wants to be asked in steps, or answers with
buffers as large as it was told they are.

Each entry takes `raw`, which sends a call with everything that stands on the wire and returns everything the reply
holds, and the contract's arguments.
"""

from .. import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..records import DomainRef

    Raw = Callable[..., list[Any]]

#: Bytes of one CPU map: that is what the tables ask for (`maplen`).
MAP = 256


def _node_stats(name: str, place: int) -> "Callable[..., Any]":
    """Statistics of which the daemon must be asked for exactly as many as it has; asked for none, it tells how many."""

    def call(raw: "Raw", which: int, flags: int) -> "Any":
        args = [which, flags]
        _, count = raw(name, *args[:place], 0, *args[place:])
        return raw(name, *args[:place], count, *args[place:])[0]

    return call


def _domain_get_vcpus(raw: "Raw", dom: "DomainRef") -> "Any":
    """The maps of as many CPUs as there are; asked for all the protocol allows, a daemon sends 4 MiB."""
    for most in (64, 16384):
        info, maps = raw("domain_get_vcpus", dom, most, MAP)
        if len(info) < most:
            break
    return records.DomainGetVcpus(info, maps[: MAP * len(info)])


def _domain_get_vcpu_pin_info(raw: "Raw", dom: "DomainRef", flags: int) -> "Any":
    """As `_domain_get_vcpus`."""
    for most in (64, 16384):
        maps, count = raw("domain_get_vcpu_pin_info", dom, most, MAP, flags)
        if count < most:
            break
    return records.DomainGetVcpuPinInfo(maps[: MAP * count], count)


OVERRIDES: "dict[str, Callable[..., Any]]" = {
    "domain_get_vcpu_pin_info": _domain_get_vcpu_pin_info,
    "domain_get_vcpus": _domain_get_vcpus,
    "node_get_cpu_stats": _node_stats("node_get_cpu_stats", 1),
    "node_get_memory_stats": _node_stats("node_get_memory_stats", 0),
}
