"""Title, description and the metadata of applications."""

from .. import errors
from ..constants import domain as const
from . import definitions
from .base import QemuBase, call
from .control import EITHER, change, impact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.domain import Domain

#: VIR_DOMAIN_METADATA_* that are one text: type -> field of the model.
TEXTS = {const.DOMAIN_METADATA_DESCRIPTION: "description", const.DOMAIN_METADATA_TITLE: "title"}


class MetadataCalls(QemuBase):
    """Title, description and the metadata of applications."""

    @call("qemuDomainGetMetadata", EITHER)
    def domain_get_metadata(self, dom: "DomainRef", type: int, uri: "str | None", flags: int = 0) -> str:
        from ..xml.metadata import extract

        guest, store = self._guest(dom), self.driver.store
        _check(type)
        live = impact(guest, flags) & const.DOMAIN_AFFECT_LIVE
        model = definitions.read_live(store, dom.uuid) if live else definitions.read_definition(store, guest.name)
        found = getattr(model, TEXTS[type]) if type in TEXTS else extract(model.metadata, uri or "")
        if not found:
            text = "Requested metadata element is not present"
            raise errors.virt_error(errors.NO_DOMAIN_METADATA, text, domain=errors.FROM_DOMAIN)
        return str(found)

    @call("qemuDomainSetMetadata", EITHER)
    def domain_set_metadata(
        self, dom: "DomainRef", type: int, metadata: "str | None", key: "str | None", uri: "str | None", flags: int = 0
    ) -> None:
        from ..xml.metadata import replace

        _check(type)

        def edit(model: "Domain") -> None:
            if type in TEXTS:
                setattr(model, TEXTS[type], metadata or None)
            else:
                model.metadata = replace(model.metadata, metadata, key or "", uri or "")

        change(self, dom, flags, edit)


def _check(type: int) -> None:
    if not 0 <= type <= const.DOMAIN_METADATA_ELEMENT:
        text = f"unknown metadata type '{type}'"
        raise errors.virt_error(errors.INVALID_ARG, text, domain=errors.FROM_DOMAIN)
