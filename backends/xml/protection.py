"""What protects storage: labels of security drivers, secrets, logins, encryption."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, XML_DETAIL, XML_ERROR
from .engine import Context, Model, View, fail
from .fields import Child, Children, Enum, Text, UInt, Uuid, YesNo, one_of
from .node import Node


class DeviceLabel(Model):
    """<seclabel> of one disk or character device."""

    model = Text("@model")
    labelskip = YesNo("@labelskip", live=True, default=False, absent=False)
    relabel = YesNo("@relabel", default=True, show=lambda label, view: not label.labelskip)
    label = Text("label")

    def parsed(self, node: Node, context: Context) -> None:
        for label in node.findall("label"):  # of which only the first counts
            label.tolerate(".")
        if self.label is not None and not self.relabel:
            what = f"Cannot specify a label if relabelling is turned off. model={self.model or '<null>'}"
            raise fail(XML_ERROR, what)

    def present(self, view: View) -> bool:
        return not (view.inactive and self.label is None and self.relabel)


def check_labels(labels: list[DeviceLabel]) -> None:
    models = [label.model for label in labels if label.model]
    for position, model in enumerate(models):
        if model in models[:position]:
            raise fail(XML_DETAIL, f"seclabel for model {model} is already provided")


class Secret(Model):
    """A reference to a libvirt secret, by UUID or by usage."""

    type = Text("@type")
    uuid = Uuid("@uuid", invalid=(XML_ERROR, "invalid secret uuid '%s'"))
    usage = Text("@usage")

    def parsed(self, node: Node, context: Context) -> None:
        if not self.uuid and self.usage is None:
            raise fail(XML_ERROR, "missing secret uuid or usage attribute")
        if self.uuid and self.usage is not None:
            raise fail(XML_ERROR, "either secret uuid or usage expected")


class Auth(Model):
    type = Enum(
        "@type", ("chap", "ceph"), blank=False, zero=("none",), invalid=(CONFIG_UNSUPPORTED, "unknown auth type '%s'")
    )
    username = Text("@username", blank=False, required=(XML_ERROR, "missing username for auth"))
    secret = Child("secret", Secret, required=(XML_ERROR, "Missing <secret> element in auth"))


class EncryptionSecret(Secret):
    type = Enum(
        "@type",
        ("passphrase",),
        blank=False,
        required=(XML_ERROR, "unknown volume encryption secret type"),
        invalid=(CONFIG_UNSUPPORTED, "unknown volume encryption secret type %s"),
    )


class Cipher(Model):
    name = Text("@name", required=(XML_ERROR, "cipher info missing 'name' attribute"))
    size = UInt("@size", absent=None, required=True)
    mode = Text("@mode")
    hash = Text("@hash")


class Ivgen(Model):
    name = Text("@name", required=(XML_ERROR, "missing ivgen info name string"))
    hash = Text("@hash")


class Encryption(Model):
    spread = True
    format = Enum(
        "@format",
        ("default", "qcow", "luks", "luks2"),
        newer=("luks-any",),
        blank=False,
        required=(XML_ERROR, "unknown volume encryption format"),
        invalid=(CONFIG_UNSUPPORTED, "unknown volume encryption format type %s"),
    )
    engine = Enum("@engine", ("qemu", "librbd"))
    secrets = Children("secret", EncryptionSecret)
    cipher = Child("cipher", Cipher, when=one_of("format", "luks"))
    ivgen = Child("ivgen", Ivgen, when=one_of("format", "luks"))

    def parsed(self, node: Node, context: Context) -> None:
        if self.ivgen and not self.cipher:
            raise fail(XML_ERROR, "ivgen element found, but cipher is missing")
