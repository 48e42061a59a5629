"""Images of saved guests, looked at and changed."""

from .. import errors
from ..constants import domain as const
from . import definitions
from .base import QemuBase, call, fail
from .images import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from .driver import QemuDriver

STATES = const.DOMAIN_SAVE_RUNNING | const.DOMAIN_SAVE_PAUSED


class SavedCalls(QemuBase):
    """Images of saved guests, looked at and changed."""

    @call("qemuDomainSaveImageGetXMLDesc", const.DOMAIN_SAVE_IMAGE_XML_SECURE)
    def domain_save_image_get_xml_desc(self, file: str, flags: int = 0) -> str:
        return Image.read(self.driver.host, file).model().format(inactive=True, secure=bool(flags))

    @call("qemuDomainSaveImageDefineXML", STATES)
    def domain_save_image_define_xml(self, file: str, dxml: str, flags: int = 0) -> None:
        _change(self.driver, file, dxml, flags)

    @call("qemuDomainManagedSaveGetXMLDesc", const.DOMAIN_SAVE_IMAGE_XML_SECURE)
    def domain_managed_save_get_xml_desc(self, dom: "DomainRef", flags: int = 0) -> str:
        return self.domain_save_image_get_xml_desc(_managed(self, dom), flags)

    @call("qemuDomainManagedSaveDefineXML", STATES)
    def domain_managed_save_define_xml(self, dom: "DomainRef", dxml: "str | None", flags: int = 0) -> None:
        with self._lock(dom):
            _change(self.driver, _managed(self, dom), dxml, flags)


def _managed(calls: QemuBase, dom: "DomainRef") -> str:
    """The image of a domain's managed save. Raises OPERATION_INVALID."""
    guest = calls._guest(dom)
    if not guest.managed_save:
        raise fail(errors.OPERATION_INVALID, "domain does not have managed save image")
    return calls.driver.places.saved(guest.name)


def _change(driver: "QemuDriver", path: str, dxml: "str | None", flags: int) -> None:
    """Give an image another definition, another state to go on in, or both. Raises VirtError."""
    image = Image.read(driver.host, path)
    if dxml is not None:
        image.xml = Image.of(definitions.other(driver, image.model(), dxml), image.ran).xml
    image.ran = bool(flags & const.DOMAIN_SAVE_RUNNING) or (image.ran and not flags & const.DOMAIN_SAVE_PAUSED)
    image.rewrite(driver.host, path)
