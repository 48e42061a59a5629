"""The XML of secrets (https://libvirt.org/formatsecret.html)."""

from __future__ import annotations

from ...constants import secret as const
from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from ..config import ParseConfig
from ..engine import Context, Model, View, fail
from ..fields import FILE, Child, Text, Uuid, YesNo, one_of
from ..node import Node
from ..parse import parse, refuse_unknown
from ..serialize import Out

#: usage -> (its number, what to say where it names nothing)
USAGES = {
    "none": (const.SECRET_USAGE_TYPE_NONE, ""),
    "volume": (const.SECRET_USAGE_TYPE_VOLUME, "volume usage specified, but volume path"),
    "ceph": (const.SECRET_USAGE_TYPE_CEPH, "Ceph usage specified, but name"),
    "iscsi": (const.SECRET_USAGE_TYPE_ISCSI, "iSCSI usage specified, but target"),
    "tls": (const.SECRET_USAGE_TYPE_TLS, "TLS usage specified, but name"),
    "vtpm": (const.SECRET_USAGE_TYPE_VTPM, "vTPM usage specified, but name"),
}


class Usage(Model):
    """What a secret is for: `id` names one thing among those of its type."""

    type = Text("@type")
    volume = Text("volume", when=one_of("type", "volume"), shape=FILE)
    name = Text("name", when=one_of("type", "ceph", "tls", "vtpm"))
    target = Text("target", when=one_of("type", "iscsi"))

    def parsed(self, node: Node, context: Context) -> None:
        if not self.type:
            raise fail(XML_ERROR, "unknown secret usage type")
        if self.type not in USAGES:
            raise fail(CONFIG_UNSUPPORTED, f"unknown secret usage type {self.type}")
        if self.number and not self.id:
            raise fail(INTERNAL_ERROR, f"{USAGES[self.type][1]} is missing")

    @property
    def number(self) -> int:
        """By virSecretUsageType."""
        return USAGES[self.type or "none"][0]

    @property
    def id(self) -> str:
        return self.volume or self.name or self.target or ""

    def present(self, view: View) -> bool:
        return bool(self.number)


class Secret(Model):
    """What a secret is for and who may see it; never its value."""

    ephemeral = YesNo("@ephemeral", default=False, absent=None, invalid=(XML_ERROR, "invalid value of 'ephemeral'"))
    private = YesNo("@private", default=False, absent=None, invalid=(XML_ERROR, "invalid value of 'private'"))
    uuid = Uuid("uuid", invalid=(INTERNAL_ERROR, "malformed uuid element"))
    description = Text("description")
    usage = Child("usage", Usage)

    @classmethod
    def parse(cls, text: str, validate: bool = False) -> Secret:
        """Read a secret's XML; raises VirtError in libvirt's words."""
        node = parse(text, "(definition_of_secret)", "secret")
        context = Context(ParseConfig(), inactive=True)
        secret = cls.from_node(node, context)
        if validate:
            refuse_unknown(node)
        secret.uuid = secret.uuid or context.config.new_uuid()
        return secret

    @property
    def usage_type(self) -> int:
        """By virSecretUsageType."""
        return self.usage.number if self.usage else const.SECRET_USAGE_TYPE_NONE

    @property
    def usage_id(self) -> str:
        return self.usage.id if self.usage else ""

    def format(self) -> str:
        """The secret as libvirt prints it."""
        out = Out("secret")
        self.emit(out, View())
        return out.render()
