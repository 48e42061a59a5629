"""<tpm>: trusted platform modules."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .addresses import Info
from .chars import CharSource
from .engine import Context, Field, Model, fail
from .fields import Enum, OptInt, Part, Text, Uuid, YesNo, one_of
from .node import Node
from .serialize import Out


class PcrBanks(Field[tuple[str, ...]]):
    """Which banks of registers a TPM has, in libvirt's order."""

    names = ("sha1", "sha256", "sha384", "sha512")

    def read(self, model: Model, node: Node, context: Context) -> None:
        holder = node.find(self.parent)
        if holder is None or (self.when and not self.when(model)):
            return
        found = [bank.tag for bank in holder.elements()]
        for bank in found:
            if bank not in self.names:
                raise fail(CONFIG_UNSUPPORTED, f"Unsupported PCR banks '{bank}'")
        model.__dict__[self.name] = tuple(bank for bank in self.names if bank in found)

    def place(self, target: Out, value: tuple[str, ...]) -> None:
        for bank in value:
            target.add(bank)


class Tpm(Model):
    model = Enum("@model", ("tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"))
    type = Enum("backend/@type", ("passthrough", "emulator", "external"), required=True)
    version = Enum("backend/@version", ("1.2", "2.0"), when=one_of("type", "emulator"))
    persistent_state = YesNo(
        "backend/@persistent_state",
        when=one_of("type", "emulator"),
        invalid=(INTERNAL_ERROR, "Invalid persistent_state value, either 'yes' or 'no'"),
        show=lambda tpm, view: bool(tpm.persistent_state),
    )
    debug = OptInt("backend/@debug", when=one_of("type", "emulator"), newer=True)
    device = Text(
        "backend/device/@path", blank=False, default="/dev/tpm0", absent=None, when=one_of("type", "passthrough")
    )
    secret = Uuid(
        "backend/encryption/@secret",
        blank=False,
        wanted=True,
        when=one_of("type", "emulator"),
        invalid=(INTERNAL_ERROR, "Unable to parse secret uuid '%s'"),
    )
    pcr_banks = PcrBanks("backend/active_pcr_banks", default=(), when=one_of("type", "emulator"))
    state_type = Enum("backend/source/@type", ("dir", "file"), when=one_of("type", "emulator"), newer=True)
    state_path = Text("backend/source/@path", when=one_of("type", "emulator"), newer=True)
    profile_source = Text("backend/profile/@source", when=one_of("type", "emulator"), newer=True)
    remove_disabled = Enum(
        "backend/profile/@removeDisabled", ("check", "fips-host"), when=one_of("type", "emulator"), newer=True
    )
    profile_name = Text("backend/profile/@name", when=one_of("type", "emulator"), newer=True)
    source_type = Text("backend/source/@type", blank=False, when=one_of("type", "external"))
    source_mode = Text("backend/source/@mode", when=one_of("type", "external"))
    socket = Text("backend/source/@path", when=one_of("type", "external"))
    info = Part(".", Info)

    def read(self, node: Node, context: Context) -> None:
        backends = len(node.findall("backend"))
        if backends != 1:
            what = "only one TPM backend is supported" if backends else "missing TPM device backend"
            raise fail(XML_ERROR, what)
        super().read(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        if self.type != "external":
            return
        if self.source_type is None:
            raise fail(XML_ERROR, "missing external TPM backend type")
        if self.source_type not in CharSource.type.names:
            raise fail(CONFIG_UNSUPPORTED, f"unknown backend type '{self.source_type}' for external TPM")
        if self.source_type != "unix":
            raise fail(XML_ERROR, "only source type 'unix' is supported for external TPM device")
        if self.source_mode not in (None, "connect", "bind"):
            what = f"Invalid value for attribute 'mode' in element 'source': '{self.source_mode}'."
            raise fail(XML_ERROR, what)
        self.source_mode = self.source_mode or "connect"
