"""CPU models: `cpu-models`, `cpu-compare`, `cpu-baseline`, and the same for one hypervisor."""

from vsh.backends.constants import connect as flags
from vsh.backends.errors import FROM_NONE

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file
from ..results import Notice, Text
from .capabilities import ARCH, MACHINE, VIRTTYPE, guest_values
from .numa import tree_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..context import Context
    from ..results import Result

#: What holds a CPU in the documents that virsh takes.
CPUS = (
    "/container/cpu|/container/domain/cpu|/container/capabilities/host/cpu"
    "|/container/domainCapabilities/cpu/mode[@name='host-model' and @supported='yes']"
)
FILE = Data("file", "a file with CPUs, domains, or capabilities of hosts or domains")
EMULATOR = Opt("emulator", "the path of the emulator", complete=guest_values("arch/emulator"))
COMPARE = (
    Flag("error", "fail, and say why, when they are incompatible"),
    VALIDATE,
)
BASELINE = (
    Flag("features", "list the features that belong to the model too"),
    Flag("migratable", "leave out features that prevent migration"),
)
RESULTS = ("incompatible", "identical", "superset")


def read_cpus(path: str) -> "list[str]":
    """The XML of each CPU in a file.

    Raises CommandError when there is none, VirtError when the file is no XML.
    """
    from lxml import etree

    from vsh.backends.xml.parse import read_tree

    text = read_file(path)
    if text.startswith("<?xml"):
        text = text.partition("?>")[2] or text
    found = read_tree(f"<container>{text}</container>", path, FROM_NONE).xpath(CPUS)
    assert isinstance(found, list)
    if not found:
        what = "any <cpu> element or valid domain XML, host capabilities XML, or domain capabilities XML"
        raise CommandError(f"File '{path}' does not contain {what}")
    cpus = []
    for node in found:
        assert isinstance(node, etree._Element)
        if node.tag == "mode":
            node.tag = "cpu"
            node.attrib.clear()
        cpus.append(etree.tostring(node, encoding="unicode", with_tail=False))
    return cpus


@command(
    "cpu-models",
    group="host",
    options=[Data("arch", "the CPU architecture", complete=guest_values("arch", "name"))],
)
def cpu_models(ctx: "Context", arch: str) -> "Text | Notice":
    """List the CPU models that are known for an architecture."""
    with failing("failed to get CPU model names"):
        names = ctx.connection.connect_get_cpu_model_names(arch, 0)
    if not names:
        return Notice("all CPU models are accepted\n", data={"arch": arch, "models": None})
    return Text("".join(f"{name}\n" for name in names), data={"arch": arch, "models": names})


@command("cpu-compare", group="host", options=[FILE, *COMPARE])
def cpu_compare(ctx: "Context", file: str, error: bool = False, validate: bool = False) -> "Iterator[Text]":
    """Compare the host's CPU with one described in a file.

    It fails when the host lacks something that the described CPU has.
    """
    cpu = read_cpus(file)[0]
    with failing(f"Failed to compare host CPU with {file}"):
        result = ctx.connection.connect_compare_cpu(cpu, _compare_flags(error, validate))
    lines = (
        f"CPU described in {file} is incompatible with host CPU\n",
        f"CPU described in {file} is identical to host CPU\n",
        f"Host CPU is a superset of CPU described in {file}\n",
    )
    yield from _compared(file, result, lines)


@command(
    "hypervisor-cpu-compare",
    group="host",
    options=[FILE, VIRTTYPE, EMULATOR, ARCH, MACHINE, *COMPARE],
)
def hypervisor_cpu_compare(
    ctx: "Context",
    file: str,
    virttype: "str | None" = None,
    emulator: "str | None" = None,
    arch: "str | None" = None,
    machine: "str | None" = None,
    error: bool = False,
    validate: bool = False,
) -> "Iterator[Text]":
    """Compare the CPU that a hypervisor gives to guests with one described in a file.

    It fails when the hypervisor lacks something that the described CPU has.
    """
    cpu = read_cpus(file)[0]
    wanted = (emulator, arch, machine, virttype, cpu, _compare_flags(error, validate))
    with failing(f"Failed to compare hypervisor CPU with {file}"):
        result = ctx.connection.connect_compare_hypervisor_cpu(*wanted)
    lines = (
        f"CPU described in {file} is incompatible with the CPU provided by hypervisor on the host\n",
        f"CPU described in {file} is identical to the CPU provided by hypervisor on the host\n",
        f"The CPU provided by hypervisor on the host is a superset of CPU described in {file}\n",
    )
    yield from _compared(file, result, lines)


def _compare_flags(error: bool, validate: bool) -> int:
    return flags.CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE * error | flags.CONNECT_COMPARE_CPU_VALIDATE_XML * validate


def _compared(file: str, result: int, lines: "tuple[str, ...]") -> "Iterator[Text]":
    yield Text(lines[result], data={"file": file, "result": RESULTS[result]})
    if not result:
        raise CommandError()


@command("cpu-baseline", group="host", options=[FILE, *BASELINE])
def cpu_baseline(ctx: "Context", file: str, features: bool = False, migratable: bool = False) -> Text:
    """Work out a CPU that all CPUs in a file can stand in for."""
    xml = ctx.connection.connect_baseline_cpu(read_cpus(file), _baseline_flags(features, migratable))
    return _baseline(xml)


@command(
    "hypervisor-cpu-baseline",
    group="host",
    options=[
        Opt("file", FILE.help),
        VIRTTYPE,
        EMULATOR,
        ARCH,
        MACHINE,
        *BASELINE,
        Opt("model", "in place of a file: the CPU that has just this model"),
    ],
)
def hypervisor_cpu_baseline(
    ctx: "Context",
    file: "str | None" = None,
    virttype: "str | None" = None,
    emulator: "str | None" = None,
    arch: "str | None" = None,
    machine: "str | None" = None,
    features: bool = False,
    migratable: bool = False,
    model: "str | None" = None,
) -> Text:
    """Work out a CPU that a hypervisor can give to guests and all CPUs in a file can stand in for."""
    if file is not None and model is not None:
        raise CommandError("Options --file and --model are mutually exclusive")
    if file is not None:
        cpus = read_cpus(file)
    elif model is not None:
        from vsh.backends.xml.serialize import escape

        cpus = [f"<cpu><model>{escape(model)}</model></cpu>"]
    else:
        raise CommandError("Either --file or --model must be provided")
    wanted = _baseline_flags(features, migratable)
    return _baseline(ctx.connection.connect_baseline_hypervisor_cpu(emulator, arch, machine, virttype, cpus, wanted))


def _baseline_flags(features: bool, migratable: bool) -> int:
    return flags.CONNECT_BASELINE_CPU_EXPAND_FEATURES * features | flags.CONNECT_BASELINE_CPU_MIGRATABLE * migratable


def _baseline(xml: str) -> Text:
    return Text(xml, data={"xml": xml, "model": tree_of(xml).findtext("model")})


@command(
    "hypervisor-cpu-models",
    group="host",
    options=[
        Opt("virttype", VIRTTYPE.help, positional=False, complete=VIRTTYPE.complete),
        Opt("emulator", EMULATOR.help, positional=False, complete=EMULATOR.complete),
        Opt("arch", ARCH.help, positional=False, complete=ARCH.complete),
        Opt("machine", MACHINE.help, positional=False, complete=MACHINE.complete),
        Flag("all", "models that guests cannot have on this host too"),
    ],
)
def hypervisor_cpu_models(
    ctx: "Context",
    virttype: "str | None" = None,
    emulator: "str | None" = None,
    arch: "str | None" = None,
    machine: "str | None" = None,
    all: bool = False,
) -> "Iterator[Result]":
    """List the CPU models that a hypervisor can give to guests."""
    with failing("failed to get hypervisor CPU model names"):
        xml = ctx.connection.connect_get_domain_capabilities(emulator, arch, machine, virttype, 0)
    models = [
        {"name": node.text or "", "usable": {"yes": True, "no": False}.get(node.get("usable") or "")}
        for node in tree_of(xml).iterfind("cpu/mode[@name='custom']/model")
        if all or node.get("usable") == "yes"
    ]
    yield Text("".join(f"{model['name']}\n" for model in models), data={"models": models})
