"""CPUs as people write them, and as we do: <cpu>."""

from __future__ import annotations

from .. import errors
from ..xml.boot import ARCHES
from ..xml.config import ParseConfig
from ..xml.cpu import Cpu, Feature
from ..xml.engine import Context
from ..xml.node import Node
from ..xml.parse import read_tree, refuse_unknown
from ..xml.serialize import Out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class Description:
    """A CPU: of a `host`, which has what it names, or of guests, with policies. "" is what it does not say."""

    def __init__(
        self, *, arch: str = "", model: str = "", vendor: str = "", match: str = "exact", host: bool = False,
        fallback: str = "allow",
    ):  # fmt: skip
        self.arch, self.model, self.vendor, self.match = arch, model, vendor, match
        self.host, self.fallback = host, fallback
        self.features: list[Feature] = []

    def add(self, policy: str, names: Iterable[str]) -> None:
        """More features of one policy."""
        self.features += [Feature(policy=policy, name=name) for name in names]

    def drop(self, names: Collection[str]) -> None:
        """Features that it is not to name."""
        self.features = [feature for feature in self.features if feature.name not in names]

    def render(self) -> str:
        """<cpu> of a guest."""
        out = Out("cpu")
        out.set("mode", "custom")
        out.set("match", self.match)
        self.write(out)
        return out.render()

    def write(self, out: Out) -> None:
        """Model, vendor and features of a guest's CPU into `out`."""
        model = out.add("model")
        model.set("fallback", self.fallback)
        model.write(self.model)
        if self.vendor:
            out.add("vendor").write(self.vendor)
        for feature in self.features:
            element = out.add("feature")
            element.set("policy", feature.policy)
            element.set("name", feature.name or "")


def parse(xml: str, host: bool = False, validate: bool = False) -> Description:
    """The CPU that `xml` describes: of a host where it names its architecture, unless `match` is there.

    `host` says that it must be one. Raises VirtError.
    """
    tree = read_tree(xml, "(CPU_definition)", errors.FROM_CPU)
    node = Node(tree)
    if node.tag != "cpu":
        raise _bad(errors.XML_ERROR, "XML does not contain expected 'cpu' element")
    arch = node.find("arch")
    if not host and arch is not None and node.get("match") is not None:
        text = "'arch' element cannot be used inside 'cpu' element with 'match' attribute'"
        raise _bad(errors.XML_ERROR, text)
    cpu = _host(node) if host or arch is not None else _guest(node)
    if validate:
        refuse_unknown(node)
    return cpu


def _host(node: Node) -> Description:
    if node.get("mode") is not None:
        raise _bad(errors.CONFIG_UNSUPPORTED, "Attribute mode is only allowed for guest CPU")
    arch, model, vendor = ((found.text() if found else "") for found in map(node.find, ("arch", "model", "vendor")))
    if not arch:
        raise _bad(errors.XML_ERROR, "Missing CPU architecture")
    if arch not in ARCHES:
        raise _bad(errors.CONFIG_UNSUPPORTED, f"Unknown architecture {arch}")
    if not model:
        raise _bad(errors.XML_ERROR, "Missing CPU model name")
    made = Description(arch=arch, model=model, vendor=vendor, host=True)
    names = [feature.get("name") or "" for feature in node.findall("feature")]
    for place, name in enumerate(names):
        if not name:
            raise _bad(errors.XML_ERROR, "Invalid CPU feature name")
        if name in names[:place]:
            raise _bad(errors.XML_ERROR, f"CPU feature '{name}' specified more than once")
    made.add("require", names)
    for known in ("topology", "microcode", "counter", "signature", "maxphysaddr", "pages"):
        for element in node.findall(known):
            element.accept()
    return made


def _guest(node: Node) -> Description:
    cpu = Cpu.from_node(node, Context(ParseConfig(), inactive=True))
    made = Description(model=cpu.model or "", vendor=cpu.vendor or "", match=cpu.match, fallback=cpu.fallback)
    made.features = list(cpu.features)
    return made


def _bad(code: int, detail: str) -> errors.VirtError:
    return errors.virt_error(code, detail, domain=errors.FROM_CPU)
