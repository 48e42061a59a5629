"""Security labels, key wrapping, launch security, user ID maps; and small parts of a domain that fit nowhere else."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_DETAIL, XML_ERROR
from .engine import Context, Model, View, fail
from .fields import FILE, Children, Enum, OptInt, Text, UInt, YesNo, one_of
from .node import Node
from .serialize import Out

_SNP = one_of("type", "sev-snp")
_SEV = one_of("type", "sev", "sev-snp")
_LONGEST = 4096  # VIR_SECURITY_LABEL_BUFLEN - 1 is the most a label may have


class SecLabel(Model):
    """A label without a type is taken for a dynamic one, and not written."""

    told = True
    type = Enum("@type", ("none", "dynamic", "static"), default="dynamic", absent="")
    model = Text("@model")
    relabel = YesNo("@relabel", show=lambda label, view: label.type != "none")
    label = Text("label", show=lambda label, view: label.type != "none")
    imagelabel = Text("imagelabel", live=True, show=lambda label, view: label.type != "none" and label.relabel)
    baselabel = Text("baselabel", when=one_of("type", "dynamic"))

    def present(self, view: View) -> bool:
        return self.told

    def parsed(self, node: Node, context: Context) -> None:
        self.told = node.get("type") is not None
        if self.model is not None and len(self.model.encode()) > 256:
            self.model = None
        if self.relabel is None:
            self.relabel = self.type == "dynamic"
        if self.type == "dynamic" and not self.relabel:
            raise fail(CONFIG_UNSUPPORTED, "dynamic label type must use resource relabeling")
        if self.type == "none" and self.relabel:
            raise fail(CONFIG_UNSUPPORTED, "resource relabeling is not compatible with 'none' label type")
        if self.model == "none":
            if not context.inactive and self.type != "none":
                raise fail(CONFIG_UNSUPPORTED, f"unsupported type='{self.type}' to model 'none'")
            self.type, self.relabel = "none", False
            self.label = self.imagelabel = self.baselabel = None
            return
        wanted = self.type == "static" or (not context.inactive and self.type != "none")
        if not wanted:
            self.label = None
        elif self.label is None or len(self.label.encode()) >= _LONGEST:
            raise fail(XML_ERROR, "security label is missing")
        if not context.inactive and self.type != "none" and self.relabel and self.imagelabel is None:
            raise fail(XML_ERROR, "security imagelabel is missing")


def check_labels(labels: list[SecLabel], context: Context) -> None:
    """What concerns all labels of a domain together."""
    models = [label.model for label in labels]
    for position, model in enumerate(models):
        if model in models[:position]:
            raise fail(XML_DETAIL, f"seclabel for model {model or '(null)'} is already provided")
    default = context.config.security_model
    if len(labels) == 1 and models[0] is None and default is not None:
        only = labels[0]
        if only.type != "none" and not (only.type == "dynamic" and not only.baselabel and context.inactive):
            raise fail(XML_ERROR, "missing security model in domain seclabel")
        only.model = default
        if default == "none" and context.inactive:
            only.type, only.relabel = "none", False
    if len(labels) > 1 and None in models:
        raise fail(XML_ERROR, "missing security model when using multiple labels")


class Cipher(Model):
    name = Enum("@name", ("aes", "dea"), required=True)
    state = Enum("@state", ("on",), zero=("off",), required=True)

    def emit(self, out: Out, view: View) -> None:
        out.set("name", self.name)
        out.set("state", self.state or "off")


class KeyWrap(Model):
    ciphers = Children("cipher", Cipher, wanted=True)

    def parsed(self, node: Node, context: Context) -> None:
        names = [cipher.name for cipher in self.ciphers]
        for name in names:
            if names.count(name) > 1:
                what = f"A domain definition can have no more than one cipher node with name {name}"
                raise fail(INTERNAL_ERROR, what)
        self.ciphers.sort(key=lambda cipher: cipher.name)


def _policy(kind: str, bits: int, form: str, newer: bool = False) -> UInt:
    problem = (XML_ERROR, "failed to get launch security policy")
    return UInt(
        "policy",
        base=16,
        bits=bits,
        form=form,
        absent=None,
        when=one_of("type", kind),
        required=problem,
        invalid=problem,
        newer=newer,
    )


class LaunchSecurity(Model):
    type = Enum("@type", ("sev", "s390-pv"), newer=("sev-snp",), required=True)
    kernel_hashes = YesNo("@kernelHashes", when=_SEV)
    author_key = YesNo("@authorKey", when=_SNP, newer=True)
    vcek = YesNo("@vcek", when=_SNP, newer=True)
    cbitpos = OptInt("cbitpos", when=_SEV, invalid=(XML_ERROR, "Invalid format for launch security cbitpos"))
    reduced_phys_bits = OptInt(
        "reducedPhysBits",
        when=_SEV,
        invalid=(XML_ERROR, "Invalid format for launch security reduced-phys-bits"),
    )
    policy = _policy("sev", 32, "0x04x")
    snp_policy = _policy("sev-snp", 64, "0x08x", newer=True)
    dh_cert = Text("dhCert", when=one_of("type", "sev"))
    session = Text("session", when=one_of("type", "sev"))
    workarounds = Text("guestVisibleWorkarounds", when=_SNP, newer=True)
    id_block = Text("idBlock", when=_SNP, newer=True)
    id_auth = Text("idAuth", when=_SNP, newer=True)
    host_data = Text("hostData", when=_SNP, newer=True)

    def parsed(self, node: Node, context: Context) -> None:
        node.tolerate("handle")


_IDMAP = (XML_ERROR, "invalid idmap start/target/count settings")


class IdRange(Model):
    start = UInt("@start", absent=None, required=_IDMAP, invalid=_IDMAP)
    target = UInt("@target", absent=None, required=_IDMAP, invalid=_IDMAP)
    count = UInt("@count", absent=None, required=_IDMAP, invalid=_IDMAP)


class IdMap(Model):
    uids = Children("uid", IdRange)
    gids = Children("gid", IdRange)

    def parsed(self, node: Node, context: Context) -> None:
        self.uids.sort(key=lambda entry: entry.start)
        self.gids.sort(key=lambda entry: entry.start)

    def present(self, view: View) -> bool:
        return bool(self.uids)


class Resource(Model):
    partition = Text("partition", shape=FILE)
    appid = Text("fibrechannel/@appid", blank=False, wanted=True)


PERF_EVENTS = (
    "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses",
    "branch_instructions", "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend",
    "ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults", "context_switches", "cpu_migrations",
    "page_faults_min", "page_faults_maj", "alignment_faults", "emulation_faults",
)  # fmt: skip


class PerfEvent(Model):
    name = Enum("@name", PERF_EVENTS, required=True)
    enabled = YesNo("@enabled", required=True)


def sort_events(events: list[PerfEvent]) -> list[PerfEvent]:
    """`events` in libvirt's order, each at most once."""
    names = [event.name for event in events]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise fail(XML_ERROR, f"perf event '{name}' was already specified")
    return sorted(events, key=lambda event: PERF_EVENTS.index(event.name))
