"""CPUs by model and features, as libvirt 9.0.0 knows them: comparing them, what several have in common, the model that
suits a set of features.

Features are names; those of an x86 CPU have libvirt's order. Errors are VirtErrors of the CPU driver.
"""

from __future__ import annotations

from functools import cache

from .. import errors
from ..xml.boot import ARCHES
from .description import Description, parse
from .x86 import FEATURES, MODELS, UNMIGRATABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

X86, PPC64_ARCHES = ("i686", "x86_64"), ("ppc64", "ppc64le")
PPC64 = ["POWER6", "POWER7", "POWER8", "POWER9", "POWER10", "POWERPC_e5500", "POWERPC_e6500"]
#: Architectures whose models are known by name; no names where any is accepted.
NAMES: dict[str, list[str]] = {
    **dict.fromkeys(PPC64_ARCHES, PPC64),
    **{arch: [] for arch in ("armv6l", "armv7l", "armv7b", "aarch64", "s390", "s390x")},
}
#: virCPUCompareResult
INCOMPATIBLE, IDENTICAL, SUPERSET = range(3)
ADDED, TAKEN = ("force", "require"), ("disable", "forbid")
#: name -> place in libvirt's lists
PLACES = {name: place for place, name in enumerate(FEATURES.split())}
#: What x86 CPUs call their vendors -> libvirt's name.
VENDOR_NAMES = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}
Signature = tuple[int, int, int]


class Model:
    """A model of x86 CPUs: `use` is both, host or none (x86.py); `signatures` are (family, model, steppings).

    `removed` are features that it once had: they are named where they are not there.
    """

    __slots__ = ("features", "name", "removed", "signatures", "use", "vendor")

    def __init__(self, name: str, vendor: str, use: str, signatures: str, features: frozenset[str], removed: set[str]):
        self.name, self.vendor, self.use, self.features, self.removed = name, vendor, use, features, removed
        self.signatures = [_signature(text) for text in signatures.split(",") if text != "-"]

    def matches(self, signature: Signature | None) -> bool:
        """Whether CPUs of this model have that signature."""
        if signature is None:
            return False
        return any(
            signature[:2] == known[:2] and (known[2] is None or signature[2] in known[2]) for known in self.signatures
        )


def _signature(text: str) -> tuple[int, int, range | None]:
    family, model, *steppings = text.split("/")
    first, _, last = steppings[0].partition("-") if steppings else ("", "", "")
    return int(family), int(model), range(int(first), int(last or first) + 1) if first else None


@cache
def models() -> dict[str, Model]:
    """The models of x86 CPUs by name, older ones first."""
    found: dict[str, Model] = {}
    for line in MODELS.replace("\n  ", " ").strip().split("\n"):
        name, vendor, use, signatures, base, *changes = line.split()
        features = set(found[base].features) if base in found else set()
        features |= {change[1:] for change in changes if change[0] == "+"}
        features -= {change[1:] for change in changes if change[0] == "-"}
        removed = {change[1:] for change in changes if change[0] == "!"}
        found[name] = Model(name, vendor.strip("-"), use, signatures, frozenset(features), removed)
    return found


def names(arch: str) -> list[str]:
    """The names of an architecture's models; none where any is accepted.

    Raises INVALID_ARG for no architecture, NO_SUPPORT for one whose CPUs nobody knows.
    """
    if arch not in ARCHES:
        raise errors.virt_error(errors.INVALID_ARG, f"cannot find architecture {arch}")
    if arch in X86:
        return list(models())
    if arch not in NAMES:
        raise _no_support(f"'{arch}' architecture is not supported by CPU driver")
    return NAMES[arch]


def fail(code: int, detail: str) -> errors.VirtError:
    return errors.virt_error(code, detail, domain=errors.FROM_CPU)


def _no_support(detail: str) -> errors.VirtError:
    return fail(errors.NO_SUPPORT, detail)


@cache
def _squeezed() -> dict[str, str]:
    return {_squeeze(name): name for name in PLACES} | {"pclmulqdq": "pclmuldq"}


def _squeeze(name: str) -> str:
    return name.translate({ord(sign): None for sign in "-_."})


def named(name: str) -> str:
    """libvirt's name of a feature that others (QEMU, the kernel) name with other signs in between; "" for none."""
    return _squeezed().get(_squeeze(name), "")


def ordered(features: Iterable[str]) -> list[str]:
    return sorted(features, key=lambda name: PLACES[name])


def features_of(cpu: Description) -> frozenset[str]:
    """All features of a described x86 CPU; raises VirtError for a model or a feature that nobody knows."""
    model = _model(cpu)
    found = set(model.features) if model is not None else set()
    for feature in cpu.features:
        if feature.name not in PLACES:
            raise fail(errors.INTERNAL_ERROR, f"Unknown CPU feature {feature.name}")
        if cpu.host or feature.policy in ADDED:
            found.add(feature.name)
        elif feature.policy in TAKEN:
            found.discard(feature.name)
    return frozenset(found)


def _model(cpu: Description) -> Model | None:
    if not cpu.model:
        return None
    if cpu.model not in models():
        raise fail(errors.INTERNAL_ERROR, f"Unknown CPU model {cpu.model}")
    return models()[cpu.model]


def decode(
    features: Collection[str],
    vendor: str,
    signature: Signature | None = None,
    *,
    host: bool = False,
    preferred: str = "",
    allowed: Mapping[str, Collection[str]] | None = None,
) -> Description:
    """The model that suits a set of x86 features best, with what it has more or less.

    `host` says that the model's own features must all be there; `preferred` is taken whatever it costs; `allowed` are
    the only models that may be taken, with what of them is missing where they are to run.
    """
    best: tuple[Model, Description] | None = None
    for model in reversed(models().values()):
        if model.use == "none" or (model.use == "host" and not host):
            continue
        if (allowed is not None and model.name not in allowed) or (vendor and model.vendor not in ("", vendor)):
            continue
        lacking = set(model.features - set(features))
        if allowed is not None:
            lacking |= {name for name in allowed[model.name] if name in PLACES}
        if host and lacking:
            continue
        made = Description(model=model.name, vendor=vendor, host=host)
        made.add("require", ordered(set(features) - model.features))
        made.add("disable", ordered(lacking))
        if not host:
            made.add("disable", ordered(model.removed - set(features) - lacking))
        if model.name == preferred:
            return made
        if best is None or _better(best, (model, made), signature):
            best = model, made
    if best is None:
        raise fail(errors.INTERNAL_ERROR, "Cannot find suitable CPU model for given data")
    return best[1]


def _better(best: tuple[Model, Description], other: tuple[Model, Description], signature: Signature | None) -> bool:
    """Whether the other of two candidates suits better."""
    (first, one), (second, two) = best, other
    if first.matches(signature) and not second.matches(signature):
        return False
    return _cost(two) < _cost(one) or (second.matches(signature) and not first.matches(signature))


def _cost(cpu: Description) -> int:
    """Features to be named; those that are taken away cost more the more they are (found by libvirt's choices)."""
    disabled = sum(feature.policy == "disable" for feature in cpu.features)
    return len(cpu.features) + (max(2, 4 * ((disabled + 1) // 2 - 1)) if disabled else 0)


def compare(host: Description, cpu: Description, explain: bool = False) -> int:
    """How the host's CPU stands to `cpu`: INCOMPATIBLE (an error that says why with `explain`), IDENTICAL, SUPERSET."""
    try:
        return _compare(host, cpu)
    except errors.VirtError as error:
        if error.code != errors.CPU_INCOMPATIBLE or explain:
            raise
        return INCOMPATIBLE


def _compare(host: Description, cpu: Description) -> int:
    def differ(detail: str) -> errors.VirtError:
        return fail(errors.CPU_INCOMPATIBLE, detail)

    def clash(what: str, features: Iterable[str]) -> errors.VirtError:
        return differ(f"Host CPU {what} features: {', '.join(ordered(features))}")

    if cpu.arch and cpu.arch != host.arch and not (cpu.arch in X86 and host.arch in X86):
        raise differ(f"CPU arch {cpu.arch} does not match host arch")
    if cpu.vendor and cpu.vendor != host.vendor:
        raise differ(f"host CPU vendor does not match required CPU vendor {cpu.vendor}")
    there, required = features_of(host), features_of(cpu)
    told = {policy: {f.name for f in cpu.features if f.policy == policy} for policy in (*ADDED, *TAKEN, "optional")}
    if not cpu.host and there & told["forbid"]:
        raise clash("provides forbidden", there & told["forbid"])
    if not cpu.host:
        required -= told["force"] | told["optional"]
    if required - there:
        raise clash("does not provide required", required - there)
    more = there - required - (frozenset() if cpu.host else told["force"] | told["optional"] | told["disable"])
    if more and cpu.match == "strict" and not cpu.host:
        raise clash("does not strictly match guest CPU: Extra", more)
    return SUPERSET if more else IDENTICAL


def baseline(
    texts: list[str],
    *,
    arch: str = "",
    allowed: Mapping[str, Collection[str]] | None = None,
    migratable: bool = False,
    expand: bool = False,
) -> Description:
    """The CPU that all CPUs described by `texts` can stand in for.

    `arch` is the only architecture they may have; `allowed` as in decode; `migratable` leaves out what bars migration,
    `expand` names the features that the model has anyway.
    """
    if not texts:
        raise fail(errors.INVALID_ARG, "no CPUs given")
    cpus = [parse(text, host=not arch) for text in texts]
    for place, cpu in enumerate(cpus):
        if not cpu.model:
            raise fail(errors.INVALID_ARG, f"no CPU model specified at index {place}")
    common = arch or cpus[0].arch
    if common in X86:
        return _baseline(cpus, allowed, migratable, expand)
    if common in PPC64_ARCHES or common == "aarch64":
        first = cpus[0]
        if any(cpu.model != first.model or cpu.vendor != first.vendor for cpu in cpus[1:]):
            raise fail(errors.OPERATION_FAILED, "CPUs are incompatible")
        if common in PPC64_ARCHES and first.model not in PPC64:
            raise fail(errors.INTERNAL_ERROR, f"unknown CPU model {first.model}")
        return Description(model=first.model, fallback="forbid" if common in PPC64_ARCHES else "allow")
    raise _no_support(f"cannot compute baseline CPU of {common} architecture")


def _baseline(
    cpus: list[Description],
    allowed: Mapping[str, Collection[str]] | None,
    migratable: bool,
    expand: bool,
) -> Description:
    common: frozenset[str] | None = None
    vendor, tell, name = "", True, cpus[0].model
    for place, cpu in enumerate(cpus):
        features = features_of(cpu)
        model = _model(cpu)
        own = model.vendor if model is not None else ""
        if place and name != cpu.model:
            name = ""
        if place and cpu.vendor and own and cpu.vendor != own:
            assert model is not None
            detail = f"CPU vendor {own} of model {model.name} differs from vendor {cpu.vendor}"
            raise fail(errors.OPERATION_FAILED, detail)
        tell = tell and bool(cpu.vendor)
        wanted = cpu.vendor or (own if place else "")
        if wanted and wanted not in VENDOR_NAMES.values():
            raise fail(errors.OPERATION_FAILED, f"Unknown CPU vendor {wanted}")
        if vendor and wanted and vendor != wanted:
            raise fail(errors.OPERATION_FAILED, "CPU vendors do not match")
        vendor = vendor or wanted
        common = features if common is None else common & features
    assert common is not None
    if not common:
        raise fail(errors.OPERATION_FAILED, "CPUs are incompatible")
    made = decode(common, vendor, preferred=name, allowed=allowed)
    if migratable:
        made.drop(UNMIGRATABLE)
    made.fallback = "forbid" if name == made.model else "allow"
    if not tell:
        made.vendor = ""
    if expand:
        expanded(made)
    return made




def expanded(cpu: Description) -> None:
    """Name the features that the model of an x86 CPU has anyway, and put all in the order of the alphabet."""
    model = _model(cpu)
    assert model is not None
    told = {feature.name for feature in cpu.features}
    cpu.add("require", [name for name in model.features if name not in told])
    cpu.features.sort(key=lambda feature: feature.name or "")
