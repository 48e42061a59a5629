"""Definitions as XML: reading what people bring, and what is kept."""

from .. import errors
from ..xml.config import ParseConfig
from ..xml.domain import Domain
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..xml.devices import Video
    from ..xml.disks import Disk
    from ..xml.engine import Context
    from ..xml.storage import BackingStore
    from .driver import QemuDriver
    from .host.capabilities import Capabilities
    from .store import Store

NAMESPACE = ("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")
TYPES = ("qemu", "kvm")


class StoredRules(ParseConfig):
    """How a definition is read that was completed when it was written."""

    stored = True
    namespace = NAMESPACE
    keep_namespace = True
    memory_hotplug = True
    offline_vcpu_pinning = True
    individual_vcpus = True
    user_aliases = True
    firmware_autoselect = True
    any_net_model = False
    disk_fds = True
    wide_scsi = True
    security_model = "none"


class Rules(StoredRules):
    """How a new definition is read: completed as libvirt's driver completes it for the QEMU it names."""

    stored = False
    memory_from_cells = True

    def __init__(self, driver: "QemuDriver"):
        self.driver = driver
        self._capabilities: Capabilities | None = None

    def capabilities(self, domain: "Domain") -> "Capabilities":
        if self._capabilities is None:
            self._capabilities = capabilities(self.driver, domain)
        return self._capabilities

    def default_video(self, domain: "Domain", video: "Video") -> str:
        from .defaults import video_model

        return video_model(domain, self.capabilities(domain))

    def complete_domain(self, domain: "Domain", context: "Context") -> None:
        from .defaults import complete_domain
        from .host.firmware import name_variables

        if domain.type not in TYPES:
            raise errors.virt_error(
                errors.CONFIG_UNSUPPORTED, f"unexpected domain type {domain.type}, expecting one of these: qemu, kvm"
            )
        complete_domain(domain, self.capabilities(domain))
        name_variables(domain, self.driver.places)

    def complete_devices(self, domain: "Domain", context: "Context") -> None:
        from .defaults import complete_devices

        complete_devices(domain, self.capabilities(domain))

    def assign_addresses(self, domain: "Domain", context: "Context") -> None:
        from .addresses import assign
        from .defaults import serial_target

        for serial in domain.devices.serials:  # of which one may be there for a console's sake
            serial_target(domain, serial)
        assign(domain, self.capabilities(domain))


def capabilities(driver: "QemuDriver", domain: "Domain") -> "Capabilities":
    """Those of the QEMU that runs `domain`; its emulator is filled in.

    Raises VirtError when there is none.
    """
    from .host.capabilities import emulator, of

    domain.devices.emulator = domain.devices.emulator or emulator(driver.host, domain.os.arch)
    return of(driver, domain.devices.emulator)


def read(driver: "QemuDriver", xml: str, validate: bool = False) -> Domain:
    """The domain described by `xml`, complete and with all addresses. Raises VirtError."""
    from ..xml.hostdev_source import UsbSource
    from .argv import build
    from .checks.domain import check
    from .readying import launch
    from .storage.disks import pretend

    rules = Rules(driver)
    domain = Domain.parse(xml, rules, validate=validate)
    caps = rules.capabilities(domain)
    check(domain, caps)
    if "\n" in domain.name:
        raise errors.virt_error(errors.XML_DETAIL, "invalid char in name: \n")
    # What cannot be run is refused while the document's lines are at hand.
    launched = launch(driver, domain)
    backing = domain.memory_backing
    sizes = [module.page_size for module in domain.devices.memories]
    sizes += [page.size for page in backing.hugepages.pages] if backing is not None and backing.hugepages else []
    for size in sizes or [2048]:
        launched.hugepages.setdefault(size, "/not/mounted")  # that is asked when it starts
    imagined = domain.copy()
    pretend(imagined.devices.disks)
    for hostdev in imagined.devices.hostdevs:
        if isinstance(hostdev.source, UsbSource):
            hostdev.source.bus = hostdev.source.bus or 1  # where it is, is looked for when it starts
    if imagined.launch_security is not None:
        from .host import sev

        sev.settle(driver, imagined)
    build(imagined, caps, launched)
    return domain


def other(driver: "QemuDriver", model: Domain, dxml: "str | None") -> Domain:
    """A running or saved guest's definition, or the one that is to take its place: with the same hardware.

    Raises VirtError.
    """
    from ..xml import same

    if dxml is None:
        return model
    wanted = read(driver, dxml)
    same.check(model, wanted)
    return wanted


def complete(driver: "QemuDriver", domain: Domain) -> Domain:
    """A running domain to which something was added, completed as a definition would be."""
    domain = Domain.parse(domain.format(secure=True), Rules(driver), inactive=False)
    from .checks.domain import check

    check(domain, capabilities(driver, domain))
    return domain


def read_definition(store: "Store", name: str) -> Domain:
    """The definition of a domain, whose file's name is its name: it may say an older one after a renaming that was cut
    short.

    Raises FileNotFoundError; VirtError when the file is broken.
    """
    domain = read_file(store, store.places.definition(name), inactive=True)
    domain.name = name
    return locate(store, domain)


def read_live(store: "Store", uuid: bytes, inactive: bool = False) -> Domain:
    """The domain as it runs; `inactive`, without what only the running one has.

    Raises FileNotFoundError; VirtError when the file is broken.
    """
    domain = read_file(store, store.live_xml(uuid), inactive=False)
    if not inactive:
        return locate(store, domain)
    from .blocks.chains import forget

    record = store.read_running(uuid)
    for disk in domain.devices.disks:
        forget(disk, record.detected if record is not None else [])
    return locate(store, read_text(domain.format(inactive=True, secure=True)))


def locate(store: "Store", domain: Domain) -> Domain:
    """`domain`, whose disks that are volumes know where these are, as far as they can be found."""
    for disk in domain.devices.disks:
        layer: Disk | BackingStore | None = disk
        while layer is not None and layer.type != "volume":
            layer = disk.backing_store if layer is disk else layer.inner  # type: ignore[union-attr]
        if layer is not None:
            from .storage.disks import look_up

            look_up(store, [disk])
    return domain


def read_file(store: "Store", path: str, inactive: bool) -> Domain:
    """The domain that a file of ours describes.

    Raises FileNotFoundError; VirtError when the file is broken.
    """
    data = store.host.read(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise fail(errors.INTERNAL_ERROR, f"'{path}' is not UTF-8") from None
    return read_text(text, inactive)


def read_text(text: str, inactive: bool = True) -> Domain:
    """A definition that was complete when it was written."""
    return Domain.parse(text, StoredRules(), inactive=inactive)


def write_live(store: "Store", domain: Domain) -> None:
    """Put the definition by which a domain runs in place of the one it began with."""
    text = domain.format(secure=True)
    store.host.write(store.live_xml(domain.uuid), text.encode("utf-8", "surrogateescape"))


def write_definition(store: "Store", domain: Domain) -> None:
    """Put a definition in place of the one of its name, if there is one."""
    text = domain.format(inactive=True, secure=True)
    store.host.write(store.places.definition(domain.name), text.encode("utf-8", "surrogateescape"))
