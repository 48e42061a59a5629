"""Domains as XML: defining, undefining, printing, renaming them."""

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail
from .definition import Definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..records import DomainRef


class DefineCalls(TestBase):
    """Domains as XML."""

    @call("testDomainCreateXML", const.DOMAIN_START_VALIDATE)
    def domain_create_xml(self, xml_desc: str, flags: int = 0) -> "DomainRef":
        guest, _ = self.driver.guests.add(Definition.parse(xml_desc, validate=bool(flags)), live=True)
        guest.start(self.driver.next_id(), const.DOMAIN_RUNNING_BOOTED)
        self._lifecycle(guest, const.DOMAIN_EVENT_STARTED, const.DOMAIN_EVENT_STARTED_BOOTED)
        return guest.ref

    def domain_create_xml_with_files(self, xml_desc: str, files: "Sequence[int]", flags: int = 0) -> "DomainRef":
        """Starts it; the files are not looked at."""
        return self.domain_create_xml(xml_desc, flags)

    @call("testDomainDefineXMLFlags", const.DOMAIN_DEFINE_VALIDATE)
    def domain_define_xml_flags(self, xml: str, flags: int = 0) -> "DomainRef":
        definition = Definition.parse(xml, validate=bool(flags))
        if "\n" in definition.name:
            raise fail(errors.XML_DETAIL, "invalid char in name: \n", errors.FROM_NONE)
        guest, replaced = self.driver.guests.add(definition)
        guest.persistent = True
        detail = const.DOMAIN_EVENT_DEFINED_UPDATED if replaced else const.DOMAIN_EVENT_DEFINED_ADDED
        self._lifecycle(guest, const.DOMAIN_EVENT_DEFINED, detail)
        return guest.ref

    @call("testDomainUndefineFlags", const.DOMAIN_UNDEFINE_MANAGED_SAVE | const.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    def domain_undefine_flags(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._guest(dom)
        if guest.managed_save and not flags & const.DOMAIN_UNDEFINE_MANAGED_SAVE:
            text = "Refusing to undefine while domain managed save image exists"
            raise fail(errors.OPERATION_INVALID, text)
        if not guest.active and guest.snapshots and not flags & const.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA:
            text = f"cannot delete inactive domain with {len(guest.snapshots)} snapshots"
            raise fail(errors.OPERATION_INVALID, text)
        self._lifecycle(guest, const.DOMAIN_EVENT_UNDEFINED, const.DOMAIN_EVENT_UNDEFINED_REMOVED)
        guest.managed_save = False
        if guest.active:
            guest.persistent = False
        else:
            self.driver.guests.remove(guest)

    @call(
        "testDomainGetXMLDesc",
        const.DOMAIN_XML_SECURE | const.DOMAIN_XML_INACTIVE | const.DOMAIN_XML_MIGRATABLE,
    )
    def domain_get_xml_desc(self, dom: "DomainRef", flags: int = 0) -> str:
        guest = self._guest(dom)
        inactive = bool(flags & const.DOMAIN_XML_INACTIVE)
        model = guest.later.model if inactive and guest.later else guest.described()
        return model.format(
            inactive=inactive,
            secure=bool(flags & const.DOMAIN_XML_SECURE),
            migratable=bool(flags & const.DOMAIN_XML_MIGRATABLE),
        )

    @call("testDomainRename")
    def domain_rename(self, dom: "DomainRef", new_name: "str | None", flags: int = 0) -> int:
        guest, name = self._guest(dom), new_name or ""
        if guest.active:
            raise fail(errors.OPERATION_INVALID, "cannot rename active domain")
        if not guest.persistent:
            raise fail(errors.OPERATION_INVALID, "cannot rename a transient domain")
        if guest.now.name == name:
            raise fail(errors.OPERATION_INVALID, "Can't rename domain to itself", errors.FROM_DOMAIN)
        if name in self.driver.guests.by_name:
            raise fail(errors.OPERATION_INVALID, f"domain with name '{name}' already exists", errors.FROM_DOMAIN)
        if "/" in name:
            raise fail(errors.XML_ERROR, f"name {name} cannot contain '/'")
        self._lifecycle(guest, const.DOMAIN_EVENT_UNDEFINED, const.DOMAIN_EVENT_UNDEFINED_RENAMED)
        self.driver.guests.rename(guest, name)
        self._lifecycle(guest, const.DOMAIN_EVENT_DEFINED, const.DOMAIN_EVENT_DEFINED_RENAMED)
        return 0
