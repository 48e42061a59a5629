"""Title, description and the metadata of applications."""

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail
from .info import EITHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.domain import Domain

#: VIR_DOMAIN_METADATA_* that are one text: type -> field of the model.
TEXTS = {const.DOMAIN_METADATA_DESCRIPTION: "description", const.DOMAIN_METADATA_TITLE: "title"}


class MetadataCalls(TestBase):
    """Title, description and the metadata of applications."""

    @call("testDomainGetMetadata", EITHER)
    def domain_get_metadata(self, dom: "DomainRef", type: int, uri: "str | None", flags: int = 0) -> str:
        guest = self._guest(dom)
        _check(type)
        model = guest.definition(flags).model
        from ..xml.metadata import extract

        found = getattr(model, TEXTS[type]) if type in TEXTS else extract(model.metadata, uri or "")
        if not found:
            raise fail(errors.NO_DOMAIN_METADATA, "Requested metadata element is not present", errors.FROM_DOMAIN)
        return str(found)

    @call("testDomainSetMetadata", EITHER)
    def domain_set_metadata(
        self, dom: "DomainRef", type: int, metadata: "str | None", key: "str | None", uri: "str | None", flags: int = 0
    ) -> None:
        guest = self._guest(dom)
        for definition in guest.definitions(flags):
            if definition is not None:
                _check(type)
                _set(definition.model, type, metadata, key or "", uri or "")
        self.driver.emit("domain_event_metadata_change", guest.ref, type, uri)


def _check(type: int) -> None:
    if not 0 <= type <= const.DOMAIN_METADATA_ELEMENT:
        raise fail(errors.INVALID_ARG, f"unknown metadata type '{type}'", errors.FROM_DOMAIN)


def _set(model: "Domain", type: int, metadata: "str | None", key: str, uri: str) -> None:
    if type in TEXTS:
        setattr(model, TEXTS[type], metadata or None)
    else:
        from ..xml.metadata import replace

        model.metadata = replace(model.metadata, metadata, key, uri)
