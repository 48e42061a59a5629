"""Calls about secrets."""

from .. import errors
from ..common import passes
from ..constants import connect
from ..constants import secret as const
from .base import QemuBase, call
from .secrets import Secrets, fail, ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import SecretRef

FILTERS = 0xF
EPHEMERAL = (connect.CONNECT_LIST_SECRETS_EPHEMERAL, connect.CONNECT_LIST_SECRETS_NO_EPHEMERAL)
PRIVATE = (connect.CONNECT_LIST_SECRETS_PRIVATE, connect.CONNECT_LIST_SECRETS_NO_PRIVATE)


class SecretCalls(QemuBase):
    """Secrets."""

    @call("secretConnectListAllSecrets", FILTERS)
    def connect_list_all_secrets(self, flags: int = 0) -> "list[SecretRef]":
        return [
            ref(secret)
            for secret in Secrets(self.driver).all().values()
            if passes(flags, (0x3, *EPHEMERAL, secret.ephemeral), (0xC, *PRIVATE, secret.private))
        ]

    @call("")
    def connect_num_of_secrets(self) -> int:
        return len(Secrets(self.driver).all())

    @call("")
    def connect_list_secrets(self) -> list[str]:
        from ..common import uuid_text

        return [uuid_text(uuid) for uuid in Secrets(self.driver).all()]

    @call("")
    def secret_lookup_by_uuid(self, uuid: bytes) -> "SecretRef":
        return ref(Secrets(self.driver).by_uuid(uuid))

    @call("")
    def secret_lookup_by_usage(self, usage_type: int, usage_id: str) -> "SecretRef":
        return ref(Secrets(self.driver).by_usage(usage_type, usage_id))

    @call("secretDefineXML", const.SECRET_DEFINE_VALIDATE)
    def secret_define_xml(self, xml: str, flags: int = 0) -> "SecretRef":
        from ..xml.resources.secret import Secret

        secret = Secret.parse(xml, bool(flags))
        secrets = Secrets(self.driver)
        with secrets.lock():
            secrets.define(secret)
            self.driver.tell("secret_event_lifecycle", ref(secret), const.SECRET_EVENT_DEFINED, 0)
        return ref(secret)

    @call("")
    def secret_undefine(self, secret: "SecretRef") -> None:
        secrets = Secrets(self.driver)
        with secrets.lock():
            found = secrets.by_uuid(secret.uuid)
            secrets.undefine(found)
            self.driver.tell("secret_event_lifecycle", ref(found), const.SECRET_EVENT_UNDEFINED, 0)

    @call("secretGetXMLDesc")
    def secret_get_xml_desc(self, secret: "SecretRef", flags: int = 0) -> str:
        return Secrets(self.driver).by_uuid(secret.uuid).format()

    @call("secretSetValue")
    def secret_set_value(self, secret: "SecretRef", value: bytes, flags: int = 0) -> None:
        secrets = Secrets(self.driver)
        with secrets.lock():
            found = secrets.by_uuid(secret.uuid)
            secrets.set_value(found, value)
            self.driver.tell("secret_event_value_changed", ref(found))

    @call("secretGetValue")
    def secret_get_value(self, secret: "SecretRef", flags: int = 0) -> bytes:
        secrets = Secrets(self.driver)
        found = secrets.by_uuid(secret.uuid)
        if found.private:
            raise fail(errors.INVALID_SECRET, "secret is private")
        return secrets.value(found)
