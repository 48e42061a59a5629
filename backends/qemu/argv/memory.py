"""Memory: its size, what backs it on the host, NUMA cells, modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR
from ...xml.addresses import DimmAddress
from ...xml.cpu import Latency
from ...xml.values import format_cpuset
from ..base import fail
from .command import refuse

if TYPE_CHECKING:
    from ...xml.cpu import Cell, CellCache, MemoryBandwidth
    from ...xml.domain import Domain
    from ...xml.memory_devices import MemoryDevice
    from .command import Command, Props

#: In KiB.
MIB = 1024
#: How far a NUMA node is from itself, and from others, where nobody says.
_NEAR, _FAR = 10, 20


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


def backend(
    command: Command, alias: str, size: int, cell: Cell | None = None, module: MemoryDevice | None = None
) -> tuple[str, Props]:
    """QOM type and properties of what backs `size` KiB: all memory, a NUMA cell's, or a module."""
    backing = command.domain.memory_backing
    node = _node(command.domain, cell, module)
    source = backing.source if backing is not None else ""
    access = backing.access if backing is not None else ""
    discard = True if backing is not None and backing.discard else None
    for holder in (cell, module):
        own = getattr(holder, "mem_access", "") or getattr(holder, "access", "")
        access = own or access
        chosen = getattr(holder, "discard", None)
        discard = discard if chosen is None else chosen
    share = {"shared": True, "private": False}.get(access)
    lazy = module is not None and module.model == "virtio-mem"
    props: Props = {}
    page = _page_size(command, node, module)
    path = module.path if module is not None else None
    if path is not None:
        kind, props = "memory-backend-file", {"mem-path": path}
    elif page == -1:
        text = "hugetlbfs filesystem is not mounted or disabled by administrator config"
        raise fail(INTERNAL_ERROR, text)
    elif page and source == "memfd":
        kind, props = "memory-backend-memfd", {"hugetlb": True, "hugetlbsize": page * 1024}
    elif page:
        mount = command.launch.hugepages.get(page)
        if mount is None:
            raise fail(INTERNAL_ERROR, f"Unable to find any usable hugetlbfs mount for {page} KiB")
        kind, props = "memory-backend-file", {"mem-path": mount}
    elif source == "memfd":
        kind = "memory-backend-memfd"
    elif source == "file" or access:
        kind, props = "memory-backend-file", {"mem-path": f"{command.launch.memory}/{alias}"}
    else:
        kind = "memory-backend-ram"
    if kind == "memory-backend-file" and path is None:
        props["discard-data"] = discard
    if kind != "memory-backend-ram" or access:
        props["share"] = share
    immediate = backing is not None and backing.allocation == "immediate"
    if (page or immediate) and not lazy and path is None:
        props["prealloc"] = True
    props["prealloc-threads"] = (backing.threads or None) if backing is not None and path is None else None
    props["reserve"] = False if lazy else None
    props["size"] = size * 1024
    if module is not None and module.model == "nvdimm":
        props["align"] = module.align_size * 1024 or None
        props["pmem"] = True if module.pmem else None
    return kind, props | _policy(command.domain, node, module)


def _node(domain: Domain, cell: Cell | None, module: MemoryDevice | None) -> int | None:
    """The guest's NUMA node that memory belongs to."""
    if cell is not None:
        assert domain.cpu is not None
        return domain.cpu.numa.cells.index(cell)
    return module.node if module is not None and module.node is not None and module.node >= 0 else None


def _page_size(command: Command, node: int | None, module: MemoryDevice | None) -> int:
    """KiB of the pages that memory is to lie in; 0 for the usual ones."""
    if module is not None and module.page_size:
        own = 0 if module.page_size == command.launch.page else module.page_size
        return own if command.launch.hugepages or not own else -1
    if module is not None and module.model not in ("dimm", "virtio-mem"):
        return 0
    backing = command.domain.memory_backing
    if backing is None or backing.hugepages is None:
        return 0
    if not command.launch.hugepages:
        return -1
    pages = backing.hugepages.pages
    if not pages:
        return next(iter(command.launch.hugepages))
    chosen = next((page for page in pages if node is not None and page.nodeset and node in page.nodeset), None)
    chosen = chosen or next((page for page in pages if page.nodeset is None), None)
    return 0 if chosen is None or chosen.size == command.launch.page else chosen.size


def _policy(domain: Domain, node: int | None, module: MemoryDevice | None) -> Props:
    """From which of the host's NUMA nodes memory is taken."""
    tune = domain.numatune
    chosen = next((memnode for memnode in tune.memnodes if memnode.cellid == node and node is not None), None)
    nodes = chosen.nodeset if chosen is not None else tune.memory.nodeset if tune.memory is not None else None
    mode = chosen.mode if chosen is not None else tune.memory.mode if tune.memory is not None else "strict"
    if module is not None and module.source_nodes:
        nodes, mode = module.source_nodes, mode
    if tune.memory is not None and tune.memory.placement == "auto":
        raise refuse(tune.memory, "<numatune> with placement 'auto'")
    if not nodes:
        return {}
    if mode == "restrictive":
        raise refuse(chosen or tune.memory, "<numatune> of mode 'restrictive'")
    return {"host-nodes": sorted(nodes), "policy": {"strict": "bind"}.get(mode, mode)}


def add_numa(command: Command) -> None:
    domain = command.domain
    numa = domain.cpu.numa if domain.cpu else None
    if numa is None or not numa.cells:
        return
    hmat = has_hmat(domain)
    for number, cell in enumerate(numa.cells):
        alias = f"ram-node{number}"
        kind, props = backend(command, alias, cell.memory, cell)
        command.object(kind, alias, **props)
        cpus = format_cpuset(cell.cpus or frozenset()).split(",")
        parts = ["node", f"nodeid={number}", *(f"cpus={part}" for part in cpus if part)]
        if hmat:
            parts.append(f"initiator={number if cell.cpus else _initiator(command.domain, number)}")
        command.option("-numa", ",".join([*parts, f"memdev={alias}"]))
    _distances(command, numa.cells)
    if hmat:
        for link in numa.links:
            _link(command, link)
        for number, cell in enumerate(numa.cells):
            for cache in cell.caches:
                _cell_cache(command, number, cache)


def has_hmat(domain: Domain) -> bool:
    """Whether the guest is told how fast its memory is."""
    numa = domain.cpu.numa if domain.cpu else None
    return numa is not None and (bool(numa.links) or any(cell.caches for cell in numa.cells))


def _initiator(domain: Domain, number: int) -> int:
    """The node with CPUs that reaches a node without any best: the first that a link names."""
    assert domain.cpu is not None
    links = domain.cpu.numa.links
    return next((link.initiator for link in links if link.target == number and not link.cache), 0)


def _distances(command: Command, cells: list[Cell]) -> None:
    """All of them where one is said: the way there is as long as the way back."""
    told = {(number, sibling.id): sibling.value for number, cell in enumerate(cells) for sibling in cell.distances}
    if not told:
        return
    for here in range(len(cells)):
        for there in range(len(cells)):
            usual = _NEAR if here == there else _FAR
            value = told.get((here, there)) or told.get((there, here)) or usual
            command.option("-numa", f"dist,src={here},dst={there},val={value}")


def _link(command: Command, link: Latency | MemoryBandwidth) -> None:
    parts = ["hmat-lb", f"initiator={link.initiator}", f"target={link.target}"]
    parts.append(f"hierarchy={('memory', 'first-level', 'second-level', 'third-level')[link.cache]}")
    if isinstance(link, Latency):
        parts += [f"data-type={link.type}-latency", f"latency={link.value}"]
    else:
        parts += [f"data-type={link.type}-bandwidth", f"bandwidth={link.value}K"]
    command.option("-numa", ",".join(parts))


def _cell_cache(command: Command, number: int, cache: CellCache) -> None:
    associativity = {"direct": "direct", "full": "complex"}.get(cache.associativity, "none")
    policy = {"writeback": "write-back", "writethrough": "write-through"}.get(cache.policy, "none")
    parts = ["hmat-cache", f"node-id={number}", f"size={cache.size}K", f"level={cache.level}"]
    parts += [f"associativity={associativity}", f"policy={policy}"]
    if cache.line:
        parts.append(f"line={cache.line}")
    command.option("-numa", ",".join(parts))


def add_modules(command: Command) -> None:
    """Memory devices."""
    for module in command.domain.devices.memories:
        _module(command, module)


def _module(command: Command, module: MemoryDevice) -> None:
    if module.model == "sgx-epc":
        raise fail(CONFIG_UNSUPPORTED, "sgx epc isn't supported by this QEMU binary")
    cells = command.domain.cpu.numa.cells if command.domain.cpu else []
    if module.node is not None and module.node >= len(cells):
        text = f"can't add memory backend for guest node '{module.node}'"
        raise fail(CONFIG_UNSUPPORTED, f"{text} as the guest has only '{len(cells)}' NUMA nodes configured")
    alias = str(module.info.alias)
    size = module.size
    kind, props = backend(command, alias, size, module=module)
    command.object(kind, f"mem{alias}", **props)
    address = module.info.address
    dimm = address if isinstance(address, DimmAddress) else None
    command.device(
        {"dimm": "pc-dimm", "nvdimm": "nvdimm"}.get(module.model, f"{module.model}-pci"),
        node=module.node if module.node is not None and module.node >= 0 else None,
        label__size=module.label_size * 1024 or None,
        block__size=module.block_size * 1024 or None,
        requested__size=module.requested_size * 1024 if module.model == "virtio-mem" else None,
        unarmed=True if module.readonly else None,
        memdev=f"mem{alias}",
        id=alias,
        slot=dimm.slot if dimm is not None else None,
        **(command.place(module.info) if dimm is None else {"addr": dimm.base or None}),
    )
