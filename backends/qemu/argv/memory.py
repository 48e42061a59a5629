"""Memory: its size, what backs it on the host, NUMA cells, modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import INTERNAL_ERROR
from ...xml.addresses import DimmAddress
from ...xml.values import format_cpuset
from ..base import fail
from .command import refuse

if TYPE_CHECKING:
    from ...xml.cpu import Cell
    from ...xml.domain import Domain
    from .command import Command, Props

#: In KiB.
MIB = 1024


def align(domain: Domain) -> None:
    """Round sizes up to what QEMU takes, whole MiB (qemuDomainAlignMemorySizes)."""
    cells = domain.cpu.numa.cells if domain.cpu else []
    modules = domain.devices.memories
    initial = domain.memory - sum(module.size for module in modules)
    for cell in cells:
        cell.memory = _whole(cell.memory)
    for module in modules:
        module.size = _whole(module.size)
    initial = sum(cell.memory for cell in cells) if cells else _whole(initial)
    domain.memory = initial + sum(module.size for module in modules)
    domain.max_memory = _whole(domain.max_memory)


def _whole(size: int) -> int:
    return -(-size // MIB) * MIB


def add(command: Command) -> None:
    """-m, the backend of all memory, -overcommit."""
    domain = command.domain
    modules = sum(module.size for module in domain.devices.memories)
    if domain.max_memory:
        size = domain.memory - modules
        command.option("-m", f"size={size}k,slots={domain.memory_slots},maxmem={domain.max_memory}k")
    else:
        command.option("-m", str(domain.memory // 1024))
    default = command.caps.machines[domain.os.machine or ""]["default_ram"]
    cells = domain.cpu.numa.cells if domain.cpu else []
    if default and not cells:
        kind, props = backend(command, default, domain.memory - modules)
        if kind != "memory-backend-ram":
            # Keeps the name by which the memory migrates.
            props = _before_size(props, {"x-use-canonical-path-for-ramblock-id": False})
        command.object(kind, default, **props)
    locked = domain.memory_backing is not None and domain.memory_backing.locked
    command.option("-overcommit", f"mem-lock={'on' if locked else 'off'}")


def _before_size(props: Props, more: Props) -> Props:
    head = {key: props[key] for key in ("mem-path", "discard-data", "share") if key in props}
    return head | more | {key: value for key, value in props.items() if key not in head}


def backend(command: Command, alias: str, size: int, cell: Cell | None = None) -> tuple[str, Props]:
    """QOM type and properties of what backs `size` KiB."""
    backing = command.domain.memory_backing
    source = backing.source if backing is not None else ""
    access = (cell.mem_access if cell is not None else "") or (backing.access if backing is not None else "")
    share = {"shared": True, "private": False}.get(access)
    prealloc = True if backing is not None and backing.allocation == "immediate" else None
    props: Props
    if backing is not None and backing.hugepages is not None:
        if backing.hugepages.pages or source == "memfd":
            raise refuse(backing.hugepages, "sizes of <hugepages>, or memfd with them,")
        if not command.launch.hugepages:
            text = "hugetlbfs filesystem is not mounted or disabled by administrator config"
            raise fail(INTERNAL_ERROR, text)
        kind, props = "memory-backend-file", {"mem-path": command.launch.hugepages, "share": share}
        prealloc = True
    elif source == "memfd":
        kind, props = "memory-backend-memfd", {"share": share}
    elif source == "file" or access:
        discard = True if backing is not None and backing.discard else None
        path = f"{command.launch.memory}/{alias}"
        kind, props = "memory-backend-file", {"mem-path": path, "discard-data": discard, "share": share}
    else:
        kind, props = "memory-backend-ram", {}
    threads = (backing.threads if backing is not None else 0) or None
    props |= {"prealloc": prealloc, "prealloc-threads": threads, "size": size * 1024}
    return kind, props


def add_numa(command: Command) -> None:
    domain = command.domain
    numa = domain.cpu.numa if domain.cpu else None
    if numa is None or not numa.cells:
        return
    if domain.numatune.memory is not None or domain.numatune.memnodes:
        raise refuse(domain.numatune, "<numatune>")
    for number, cell in enumerate(numa.cells):
        if cell.caches:
            raise refuse(cell.caches[0], "<cache> of a NUMA cell")
        alias = f"ram-node{number}"
        kind, props = backend(command, alias, cell.memory, cell)
        command.object(kind, alias, **props)
        cpus = format_cpuset(cell.cpus or frozenset()).split(",")
        parts = ["node", f"nodeid={number}", *(f"cpus={part}" for part in cpus if part), f"memdev={alias}"]
        command.option("-numa", ",".join(parts))
    for number, cell in enumerate(numa.cells):
        for sibling in cell.distances:
            command.option("-numa", f"dist,src={number},dst={sibling.id},val={sibling.value}")
    if numa.links:
        raise refuse(numa.links[0], "<interconnects>")


def add_modules(command: Command) -> None:
    """Memory devices."""
    for module in command.domain.devices.memories:
        if module.model != "dimm":
            raise refuse(module, f"memory model '{module.model}'")
        alias = str(module.info.alias)
        if module.access or module.source_nodes or module.page_size:
            raise refuse(module, "access, node mask or page size of a memory device")
        kind, props = backend(command, alias, module.size)
        command.object(kind, f"mem{alias}", **props)
        address = module.info.address
        slot = address.slot if isinstance(address, DimmAddress) else None
        base = address.base if isinstance(address, DimmAddress) and address.base else None
        node = module.node if module.node is not None and module.node >= 0 else None
        command.device("pc-dimm", node=node, memdev=f"mem{alias}", id=alias, slot=slot, addr=base)
