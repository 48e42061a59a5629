"""What a start needs on the host: where its files are, its folders, ports and secrets, and what it may not ask for."""

from .. import errors
from . import journal
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host
    from ..xml.domain import Domain
    from ..xml.graphics import Spice, Vnc
    from .argv.launch import Launch
    from .driver import QemuDriver
    from .store import Running

#: The id of a domain that does not run, as it appears in paths.
NO_ID = -1
#: Where QEMU finds its helpers.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Displays that people reach from elsewhere.
DISPLAYS = ("vnc", "spice")
#: KiB beyond the guest's memory that the host's devices reach.
SPARE = 1 << 20


def launch(driver: "QemuDriver", domain: "Domain", id: int = NO_ID) -> "Launch":
    """The launch of a domain under `id`; without, the one that a definition is checked and shown with."""
    from .argv.launch import Launch

    places, settings = driver.places, driver.settings
    folder = places.guest(id, domain.name)
    mounts = _hugetlbfs(driver) if _huge(domain) else {}
    return Launch(
        folder,
        f"{folder}/monitor.sock",
        f"{places.run}/{domain.uuid.hex()}.{id}.journal" if id != NO_ID else "",
        memory=places.memory(id, domain.name, settings.memory_backing_dir),
        hugepages={size: places.hugepages(id, domain.name, mount) for size, mount in mounts.items()},
        channel_folder=places.channel(id, domain.name, "").rstrip("/"),
        actions=id != NO_ID,
        sandbox=settings.sandbox,
        vnc_listen=settings.vnc_listen,
        spice_listen=settings.spice_listen,
        tls_folder=settings.tls_folder,
        tls_verify=settings.tls_verify("chardev"),
        chardev_tls=settings.number("chardev_tls", 0) != 0,
        tls_displays=tuple(kind for kind in DISPLAYS if settings.number(f"{kind}_tls", 0)),
        vnc_verify=settings.tls_verify("vnc"),
        guarded=tuple(kind for kind in DISPLAYS if settings.text(f"{kind}_password")),
    )


def check_nodes(driver: "QemuDriver", domain: "Domain") -> None:
    """Refuse memory from NUMA nodes that the host has not."""
    tune = domain.numatune
    wanted = set().union(*(memnode.nodeset or () for memnode in tune.memnodes))
    wanted |= set(tune.memory.nodeset or () if tune.memory is not None else ())
    wanted |= set().union(*(module.source_nodes or () for module in domain.devices.memories))
    if wanted:
        from ..xml.values import parse_cpuset

        online = parse_cpuset(driver.host.read("/sys/devices/system/node/online").decode().strip())
        missing = sorted(wanted - set(online))
        if missing:
            raise fail(errors.CONFIG_UNSUPPORTED, f"NUMA node {missing[0]} is unavailable")


def _huge(domain: "Domain") -> bool:
    """Whether a domain's memory lies in huge pages, or parts of it."""
    backing = domain.memory_backing
    modules = any(module.page_size for module in domain.devices.memories)
    return modules or (backing is not None and backing.hugepages is not None)


def _hugetlbfs(driver: "QemuDriver") -> "dict[int, str]":
    """Where huge pages are mounted, by their size in KiB, the usual first: as qemu.conf says, else all there are."""
    host, chosen = driver.host, driver.settings.mounts("hugetlbfs_mount")
    mounts = [line.split() for line in _lines(host, "/proc/mounts")]
    usual = next((int(line.split()[1]) for line in _lines(host, "/proc/meminfo") if "Hugepagesize" in line), 2048)
    found: dict[int, str] = {}
    for fields in mounts:
        if fields[2] == "hugetlbfs" and (not chosen or fields[1] in chosen):
            told = next((o.removeprefix("pagesize=") for o in fields[3].split(",") if o.startswith("pagesize=")), "")
            size = int(told[:-1]) * {"K": 1, "M": 1 << 10, "G": 1 << 20}[told[-1]] if told else usual
            found.setdefault(size, fields[1])
    for path in chosen if not found else ():
        found.setdefault(usual, path)
    return {size: found[size] for size in sorted(found, key=lambda size: (size != usual, size))}


def _lines(host: "Host", path: str) -> "list[str]":
    return host.read(path).decode("utf-8", "replace").splitlines()


def drop_missing(driver: "QemuDriver", domain: "Domain", begins: bool) -> None:
    """Go on without images that are not there and need not be: a drive without medium, else without the disk.

    `begins` says that the guest does not go on from a saved state.
    """
    from ..xml.storage import Source

    disks = domain.devices.disks
    for disk in list(disks):
        told = disk.startup_policy == "optional" or (disk.startup_policy == "requisite" and not begins)
        path = disk.source.path
        if not told or path is None or driver.host.stat(path) is not None:
            continue
        if disk.device in ("cdrom", "floppy"):
            disk.type, disk.source, disk.backing_store = "file", Source(), None
        else:
            disks.remove(disk)


def memory_lock(driver: "QemuDriver", domain: "Domain") -> "list[str]":
    """What a command line begins with whose program is to keep memory from being moved: for the host's devices, which
    reach into it, and for guests whose memory is never to be swapped out. Only root can let it."""
    locked = domain.memory_backing is not None and domain.memory_backing.locked
    devices = any(hostdev.type in ("pci", "mdev") for hostdev in domain.devices.hostdevs)
    devices |= domain.launch_security is not None and domain.launch_security.type == "sev"
    if driver.host.me()[0] != 0 or not (locked or devices):
        return []
    most = max(domain.max_memory, domain.memory)
    return ["prlimit", f"--memlock={'unlimited' if locked else (most + SPARE) * 1024}"]


def environment(domain: "Domain") -> "dict[str, str]":
    """The environment of a guest's process: nothing of ours."""
    from .argv.namespace import Namespace

    zone = {"TZ": domain.clock.timezone} if domain.clock.timezone else {}
    return {"LC_ALL": "C", "PATH": PATH} | zone | Namespace(domain).environment


def check_sockets(launched: "Launch", model: "Domain") -> None:
    """Refuse socket paths that no address holds."""
    import os

    from .argv.chars import channel_path
    from .places import SOCKET_LIMIT

    paths = [launched.monitor, *(channel_path(launched.channel_folder, c) for c in model.devices.channels)]
    for path in paths:
        if len(os.fsencode(path)) > SOCKET_LIMIT:
            hint = "give the domain, its channel or the driver's root a shorter name"
            text = f"socket path '{path}' is longer than {SOCKET_LIMIT} bytes"
            raise fail(errors.CONFIG_UNSUPPORTED, text, hint=hint)


def choose_ports(driver: "QemuDriver", model: "Domain", record: "Running") -> None:
    """Give ports to displays that are to have one of their own, and addresses where the XML names none."""
    from ..xml.graphics import Listen, Spice, Vnc

    taken: set[int] | None = None
    for graphics in model.devices.graphics:
        if not isinstance(graphics, Vnc | Spice):
            continue
        graphics.listens = graphics.listens or [Listen(type="address")]
        listen = graphics.listens[0]
        if listen.type != "address":
            continue
        settings = driver.settings
        usual = settings.vnc_listen if isinstance(graphics, Vnc) else settings.spice_listen
        listen.address = listen.address or usual
        for attribute in _own_ports(graphics, tls=settings.number("spice_tls", 0) != 0):
            if taken is None:
                taken = listening(driver)
            free = next((port for port in range(5900, 65536) if port not in taken), None)
            if free is None:
                raise fail(errors.INTERNAL_ERROR, "Unable to find an unused port in range 'display' (5900-65535)")
            setattr(graphics, attribute, free)
            taken.add(free)
            record.ports.append(free)


def _own_ports(graphics: "Spice | Vnc", tls: bool) -> "list[str]":
    """Which ports a display is to be given: a SPICE one has another for TLS, or that alone if all is to be secure."""
    from ..xml.graphics import Spice

    if not isinstance(graphics, Spice):
        return ["port"] if graphics.autoport or graphics.port <= 0 else []
    modes = {channel.mode for channel in graphics.channels} | {graphics.default_mode}
    found = []
    if graphics.autoport or (graphics.port <= 0 and graphics.tls_port <= 0):
        found += ["port"] if modes - {"secure"} or not tls else []
        found += ["tls_port"] if tls and modes - {"insecure"} else []
    return found


def listening(driver: "QemuDriver") -> "set[int]":
    """TCP ports that somebody listens on, or a guest of ours will."""
    found = {port for other in driver.store.running().values() for port in other.ports}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = driver.host.read(table).split(b"\n")[1:]
        except FileNotFoundError:
            continue
        found |= {int(row.split()[1].rpartition(b":")[2], 16) for row in rows if row and row.split()[3] == b"0A"}
    return found


def make_files(driver: "QemuDriver", launched: "Launch", model: "Domain") -> None:
    """The run's own folders, for the guest's user alone, and the journal's two files."""
    host = driver.host
    folders = [launched.folder]
    if any(channel.source.type == "unix" and not channel.source.socket for channel in model.devices.channels):
        folders.append(launched.channel_folder)
    folders += launched.hugepages.values()
    if _in_files(model):
        folders.append(launched.memory)
    for folder in folders:
        host.remove(folder)  # of a domain that had this id before a restart of the machine
        make_folder(driver, folder)
    files = [f"{launched.journal}{journal.INPUT}", f"{launched.journal}{journal.OUTPUT}"]
    host.write(files[0], journal.opening(model.name, model.uuid, model.id), durable=False)
    host.write(files[1], b"", durable=False)
    driver.give(*files)


def make_folder(driver: "QemuDriver", folder: str) -> None:
    """A folder for the guest's user alone."""
    driver.host.make_folders([folder.rpartition("/")[0]], 0o711 if driver.settings.owner() else 0o700)
    driver.host.make_folders([folder], 0o700)
    driver.give(folder)


def _in_files(model: "Domain") -> bool:
    """Whether memory lies in files of ours."""
    backing = model.memory_backing
    return (
        (backing is not None and (backing.source == "file" or bool(backing.access)))
        or (model.cpu is not None and any(cell.mem_access for cell in model.cpu.numa.cells))
        or any(module.access for module in model.devices.memories)
    )


def make_memory_folder(driver: "QemuDriver", launched: "Launch", model: "Domain") -> None:
    """The folder of memory in files, for a guest that had none of that when it started."""
    if _in_files(model) and driver.host.stat(launched.memory) is None:
        make_folder(driver, launched.memory)


def write_secrets(driver: "QemuDriver", launched: "Launch") -> None:
    """Make the files from which QEMU reads secrets, for its user alone. Raises VirtError."""
    from .secrets import value_of

    for path, (usage_type, secret, text) in launched.secrets.items():
        if secret is not None:
            value = value_of(driver, usage_type, secret.uuid, secret.usage)
        else:
            value = text.encode("utf-8", "surrogateescape")
        driver.host.write(path, value, durable=False)
        driver.give(path)
