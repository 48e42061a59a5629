"""-smp: the CPUs that a guest starts with, and those that may come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from .command import Command


def add(command: Command) -> None:
    domain = command.domain
    first = booted(domain)
    parts = [str(first)]
    if domain.max_vcpus > first:
        parts.append(f"maxcpus={domain.max_vcpus}")
    topology = domain.cpu.topology if domain.cpu else None
    if topology is not None:
        parts += [f"sockets={topology.sockets}", f"dies={topology.dies}"]
        parts += [f"cores={topology.cores}", f"threads={topology.threads}"]
    else:
        parts += [f"sockets={domain.max_vcpus}", "cores=1", "threads=1"]
    command.option("-smp", ",".join(parts))


def booted(domain: Domain) -> int:
    """How many CPUs a guest starts with; those that may be taken away again are plugged in after that."""
    if not domain.vcpu_states:
        return domain.vcpus
    return sum(bool(state.enabled) and state.hotpluggable is not True for state in domain.vcpu_states)


def gap_before(domain: Domain) -> int | None:
    """The first CPU that is off or may be taken away although one that may not follows; None when they are in order."""
    gap = None
    for state in domain.vcpu_states:
        fixed = state.enabled and state.hotpluggable is False
        if fixed and gap is not None:
            return gap
        if not fixed and gap is None:
            gap = state.id
    return None
