"""Domains as XML: defining, undefining, printing, renaming them."""

from .. import errors
from ..common import uuid_text
from ..constants import domain as const
from ..moment_queries import CHECKPOINT, SNAPSHOT
from . import definitions
from .base import QemuBase, call, fail
from .blocks import trees
from .guests import Guests
from .host.firmware import variables
from .plans import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.domain import Domain
    from .driver import QemuDriver
    from .guests import Guest

UNDEFINE = (
    const.DOMAIN_UNDEFINE_MANAGED_SAVE
    | const.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | const.DOMAIN_UNDEFINE_NVRAM
    | const.DOMAIN_UNDEFINE_KEEP_NVRAM
    | const.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | const.DOMAIN_UNDEFINE_TPM
    | const.DOMAIN_UNDEFINE_KEEP_TPM
)


def check_unique(guests: Guests, model: "Domain", live: bool = False) -> None:
    """Raise OPERATION_FAILED when name or uuid belongs to another domain, OPERATION_INVALID when one that is to run
    runs."""
    same = guests.by_uuid.get(model.uuid)
    if same is not None and same.exists:
        if same.name != model.name:
            raise _exists(f"domain '{same.name}' is already defined with uuid {uuid_text(model.uuid)}")
        if live and same.active:
            text = f"domain '{model.name}' is already active"
            raise errors.virt_error(errors.OPERATION_INVALID, text, domain=errors.FROM_DOMAIN)
        return
    other = guests.by_name.get(model.name)
    if other is not None and other.exists:
        raise _exists(f"domain '{model.name}' already exists with uuid {uuid_text(other.uuid)}")


def _exists(text: str) -> errors.VirtError:
    return errors.virt_error(errors.OPERATION_FAILED, text, domain=errors.FROM_DOMAIN)


class DefineCalls(QemuBase):
    """Domains as XML."""

    @call("qemuDomainDefineXMLFlags", const.DOMAIN_DEFINE_VALIDATE)
    def domain_define_xml_flags(self, xml: str, flags: int = 0) -> "DomainRef":
        driver, store = self.driver, self.driver.store
        model = definitions.read(driver, xml, validate=bool(flags))
        driver.places.definition(model.name)  # refuses what is no name for a file
        with driver.lock(model.uuid), store.lock_all():
            guests = Guests(store)
            check_unique(guests, model)
            replaced = model.name in guests.by_name and guests.by_name[model.name].persistent
            definitions.write_definition(store, model)
            ref = Guests(store).by_uuid[model.uuid].ref
            detail = const.DOMAIN_EVENT_DEFINED_UPDATED if replaced else const.DOMAIN_EVENT_DEFINED_ADDED
            driver.publish(ref, const.DOMAIN_EVENT_DEFINED, detail)
        return ref

    @call("qemuDomainUndefineFlags", UNDEFINE)
    def domain_undefine_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        driver, store = self.driver, self.driver.store
        with self._lock(dom), store.lock_all():
            guest = self._guest(dom)
            if not guest.persistent:
                raise fail(errors.OPERATION_INVALID, "cannot undefine transient domain")
            leftovers = _leftovers(driver, guest, flags)
            driver.host.remove(*leftovers)
            forget(driver, guest)

    @call(
        "qemuDomainGetXMLDesc",
        const.DOMAIN_XML_SECURE | const.DOMAIN_XML_INACTIVE | const.DOMAIN_XML_MIGRATABLE | const.DOMAIN_XML_UPDATE_CPU,
    )
    def domain_get_xml_desc(self, dom: "DomainRef", flags: int = 0) -> str:
        guest, store = self._guest(dom), self.driver.store
        inactive = bool(flags & const.DOMAIN_XML_INACTIVE)
        if guest.active and not (inactive and guest.persistent):
            model = definitions.read_live(store, guest.uuid, inactive)
            model.id = guest.id
        else:
            model = definitions.read_definition(store, guest.name)
        return model.format(
            inactive=inactive,
            secure=bool(flags & const.DOMAIN_XML_SECURE),
            migratable=bool(flags & const.DOMAIN_XML_MIGRATABLE),
        )

    @call("qemuDomainRename")
    def domain_rename(self, dom: "DomainRef", new_name: "str | None", flags: int = 0) -> int:
        driver, store, name = self.driver, self.driver.store, new_name or ""
        with self._lock(dom), store.lock_all():
            guest = self._guest(dom)
            if guest.active:
                raise fail(errors.OPERATION_INVALID, "cannot rename active domain")
            if not guest.persistent:
                raise fail(errors.OPERATION_INVALID, "cannot rename a transient domain")
            if guest.name == name:
                text = "Can't rename domain to itself"
                raise errors.virt_error(errors.OPERATION_INVALID, text, domain=errors.FROM_DOMAIN)
            other = Guests(store).by_name.get(name)
            if other is not None and other.exists:
                text = f"domain with name '{name}' already exists"
                raise errors.virt_error(errors.OPERATION_INVALID, text, domain=errors.FROM_DOMAIN)
            if not name:
                raise fail(errors.INVALID_ARG, "a domain needs a name")
            driver.places.definition(name)
            if guest.managed_save:
                raise fail(errors.OPERATION_INVALID, "domain with a managed saved state can't be renamed")
            driver.publish(guest.ref, const.DOMAIN_EVENT_UNDEFINED, const.DOMAIN_EVENT_UNDEFINED_RENAMED)
            _rename(driver, guest, name)
            driver.publish(
                Guests(store).by_uuid[dom.uuid].ref, const.DOMAIN_EVENT_DEFINED, const.DOMAIN_EVENT_DEFINED_RENAMED
            )
        return 0


def forget(driver: "QemuDriver", guest: "Guest") -> None:
    """Remove a definition, and what is known of a domain that does not run; call it with the domain's lock."""
    driver.host.remove(driver.places.autostart(guest.name))
    driver.host.remove(driver.places.definition(guest.name))
    if not guest.active:
        driver.store.forget_running(guest.uuid)
    driver.publish(guest.ref, const.DOMAIN_EVENT_UNDEFINED, const.DOMAIN_EVENT_UNDEFINED_REMOVED)
    if not guest.active:
        driver.store.forget_lock(guest.uuid)


def _leftovers(driver: "QemuDriver", guest: "Guest", flags: int) -> "list[str]":
    """Files that go with the definition. Raises OPERATION_INVALID, naming all that stand in the way."""
    places, host = driver.places, driver.host
    blockers, found = [], []
    if guest.managed_save:
        if flags & const.DOMAIN_UNDEFINE_MANAGED_SAVE:
            found.append(places.saved(guest.name))
        else:
            blockers.append("Refusing to undefine while domain managed save image exists")
    for kind, flag in (
        (SNAPSHOT, const.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA),
        (CHECKPOINT, const.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA),
    ):
        count = len(trees.load(driver.store, kind, guest.name)) if not guest.active else 0
        if not guest.active:
            found.append(trees.folder(driver.store, kind, guest.name))
        if count and not flags & flag:
            blockers.append(f"cannot delete inactive domain with {count} {kind}s")
    model = definitions.read_definition(driver.store, guest.name)
    nvram = variables(model, places)
    if nvram is not None and not guest.active and host.stat(nvram) is not None:
        if flags & const.DOMAIN_UNDEFINE_NVRAM:
            found.append(nvram)
        elif not flags & const.DOMAIN_UNDEFINE_KEEP_NVRAM:
            blockers.append("cannot undefine domain with nvram")
    keep = any(tpm.persistent_state for tpm in model.devices.tpms) and not flags & const.DOMAIN_UNDEFINE_TPM
    if not guest.active and not keep and not flags & const.DOMAIN_UNDEFINE_KEEP_TPM:
        found.append(places.tpm(guest.uuid))
    if blockers:
        raise fail(errors.OPERATION_INVALID, "; ".join(blockers))
    return found


def _rename(driver: "QemuDriver", guest: "Guest", name: str) -> None:
    """Two definitions of one uuid are never seen: the old file becomes the new one, then says the new name."""
    store, places, host = driver.store, driver.places, driver.host
    plan = Plan(driver, guest.uuid, "rename", {"old": [guest.name], "new": [name]})
    if guest.snapshots or guest.checkpoints:
        plan.write()
    model = definitions.read_definition(store, guest.name)
    autostart = guest.autostart
    if autostart:
        host.link(places.definition(name), places.autostart(name))
    host.rename(places.definition(guest.name), places.definition(name))
    model.name = name
    try:
        definitions.write_definition(store, model)
    except OSError:
        host.rename(places.definition(name), places.definition(guest.name))
        if autostart:
            host.remove(places.autostart(name))
        plan.clear()
        raise
    if autostart:
        host.remove(places.autostart(guest.name))
    record = store.read_running(guest.uuid)
    if record is not None:
        record.name = record.figures.name = name
        store.write_running(record)
    settle_rename(driver, plan)


def settle_rename(driver: "QemuDriver", plan: Plan) -> None:
    """Let snapshots and checkpoints follow a definition to its new name."""
    (old,), (new,) = plan.told["old"], plan.told["new"]
    if driver.host.stat(driver.places.definition(old)) is None:
        for kind in (SNAPSHOT, CHECKPOINT):
            place = trees.folder(driver.store, kind, old)
            if driver.host.stat(place) is not None:
                driver.host.rename(place, trees.folder(driver.store, kind, new))
    plan.clear()
