#!/usr/bin/env python3
"""Write the generated files of the tree.

    .ci/generate.py tables RPC_JSON   backends/procedures/*.py from a JSON description of libvirt's RPC (its .x files)
    .ci/generate.py constants JSON    backends/constants/*.py from a JSON description of libvirt's public enumerations
    .ci/generate.py stubs             backends/calls.pyi and backends/records.pyi from those tables
    .ci/generate.py index             commands/index.py from the command declarations
    .ci/generate.py pages             completions/ and man/ from the declarations, and from what commands return
    .ci/generate.py all               stubs, index and pages

A test makes `all` in memory and compares the result with the committed files.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / ".ci")]
PREFIXES = ("remote_nonnull_", "remote_", "admin_nonnull_", "admin_", "qemu_", "lxc_")
PRIMITIVES = {"int", "uint", "hyper", "uhyper", "char", "uchar", "ushort", "double"}
#: Arguments that exist only because C callers hand in buffers; the codec supplies them.
SIZES = {
    "need_results",
    "need_map",
    "need_online",
    "nparams",
    "maxnames",
    "maxids",
    "maxuuids",
    "maxStats",
    "maxerrors",
    "maxcells",
    "maxinfo",
    "maplen",
    "ncpumaps",
}
COUNTS = {"ret", "num", "nparams", "nerrors"}
#: The call whose count means more than the length of its list: how many CPUs there are, how many values for each.
COUNTED = "DOMAIN_GET_CPU_STATS"
#: Sizes that the length of the result does not tell: CPU maps of 2,048 CPUs, as many vCPUs as the protocol allows.
FIXED_SIZES = {"maplen": 256, "maxinfo": 16384, "ncpumaps": 16384}
#: What the facts do not tell: public names of QEMU's and LXC's own calls, and what a read-only connection may not do.
APIS = {
    "CONNECT_DOMAIN_MONITOR_EVENT_REGISTER": "virConnectDomainQemuMonitorEventRegister",
    "DOMAIN_AGENT_COMMAND": "virDomainQemuAgentCommand",
    "DOMAIN_ATTACH": "virDomainQemuAttach",
    "DOMAIN_MONITOR_COMMAND": "virDomainQemuMonitorCommand",
    "DOMAIN_MONITOR_COMMAND_WITH_FILES": "virDomainQemuMonitorCommandWithFiles",
    "DOMAIN_OPEN_NAMESPACE": "virDomainLxcOpenNamespace",
}
REFUSED = {
    *APIS,
    "DOMAIN_DEL_THROTTLE_GROUP",
    "DOMAIN_GET_GUEST_INFO",
    "DOMAIN_GET_LAUNCH_SECURITY_INFO",
    "DOMAIN_SET_LAUNCH_SECURITY_STATE",
    "DOMAIN_SET_LIFECYCLE_ACTION",
    "DOMAIN_SET_PERF_EVENTS",
}
FILES_IN = {
    "DOMAIN_CREATE_XML_WITH_FILES",
    "DOMAIN_CREATE_WITH_FILES",
    "DOMAIN_OPEN_GRAPHICS",
    "DOMAIN_FD_ASSOCIATE",
    "DOMAIN_MONITOR_COMMAND_WITH_FILES",
}
FILES_OUT = {"DOMAIN_OPEN_GRAPHICS_FD", "DOMAIN_OPEN_NAMESPACE"}


def snake(name: str) -> str:
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name + "_" if keyword.iskeyword(name) else name


def bare(struct: str) -> str:
    for prefix in PREFIXES:
        if struct.startswith(prefix):
            return struct[len(prefix) :]
    return struct


class Facts:
    """The JSON description, with typedefs resolved."""

    def __init__(self, data: dict[str, Any]):
        self.structs: dict[str, list[dict[str, Any]]] = data["structs"]
        self.typedefs: dict[str, dict[str, Any]] = data["typedefs"]
        self.procedures = {p: data[f"procedures_{p}"] for p in ("remote", "qemu", "lxc", "admin")}
        self.used: set[str] = set()

    def type(self, field: dict[str, Any]) -> str:
        """`uint`, `string?`, `domain[16384]`, `bytes[2048]`, `chars{32}` ...: the spelling the tables use."""
        t, optional = field["t"], field.get("optional", False)
        while t in self.typedefs and t != "string":
            definition = self.typedefs[t]
            if definition["t"] == "opaque" and definition.get("array") == "fixed":
                t = "uuid"
                break
            t, optional = definition["t"], optional or definition.get("optional", False)
        if t == "opaque":
            return f"bytes[{field['max']}]"
        if t == "char" and "array" in field:
            text = "octets" if field["name"] == "data" else "chars"
            return f"{text}{{{field['len']}}}" if field["array"] == "fixed" else f"{text}[{field['max']}]"
        if t == "remote_auth_type":
            t = "int"
        elif t in ("remote_typed_param", "admin_typed_param"):
            t = "param"
        elif t not in PRIMITIVES and t not in ("string", "uuid"):
            self.used.add(t)
            t = bare(t)
        if field.get("array") == "var":
            return f"{t}[{field['max']}]"
        return t + ("?" if optional else "")

    def fields(self, struct: str) -> list[tuple[str, str]]:
        return [(snake(f["name"]), self.type(f)) for f in self.structs[struct]]

    def line(self, proc: dict[str, Any]) -> str:
        readonly = "refuse" if proc["name"] in REFUSED else proc.get("readonly", "")
        head = str(proc["n"]) + {"refuse": "!", "refuse_if_flags": "?"}.get(readonly, "")
        head += "*" if proc.get("event") else ""
        head += {"read": "<", "write": ">"}.get(proc.get("stream", ""), "")
        head += "f" if proc["name"] in FILES_IN else "F" if proc["name"] in FILES_OUT else ""
        words = [head, APIS.get(proc["name"]) or proc.get("api", "-")]
        results = self.fields(proc["ret"]) if proc.get("ret") else []
        longest = max((int(m[1]) for _, t in results if (m := re.search(r"\[(\d+)\]", t))), default=0)
        for name, t in (
            self.fields(proc.get("args") or proc.get("msg") or "") if proc.get("args") or proc.get("msg") else []
        ):
            size = ""
            if name in {snake(s) for s in SIZES} and longest and proc["name"] != COUNTED:
                size = "=1" if name.startswith("need_") else f"={FIXED_SIZES.get(name, longest)}"
            words.append(f"{name}:{t}{size}")
        if results:
            lists = [n for n, t in results if t.endswith("]") and not t.startswith(("bytes", "chars", "octets"))]
            words.append("->")
            words += [f"{n}:{t}{'=' if n in COUNTS and lists and proc['name'] != COUNTED else ''}" for n, t in results]
        return " ".join(words)


def write_tables(source: Path) -> None:
    facts = Facts(json.loads(source.read_text()))
    groups: dict[str, dict[str, str]] = {}
    for program, procedures in facts.procedures.items():
        for proc in procedures:
            name = proc["name"].lower()
            if program == "remote":
                first = name.partition("_")[0]
                group = "connect" if first == "auth" else first
            else:
                group, name = program, f"{program}_{name}"
            groups.setdefault(group, {})[name] = facts.line(proc)
    structs: dict[str, str] = {}
    todo = sorted(facts.used)
    while todo:
        struct = todo.pop(0)
        if bare(struct) not in structs:
            before = set(facts.used)
            structs[bare(struct)] = " ".join(f"{n}:{t}" for n, t in facts.fields(struct))
            todo += sorted(facts.used - before)
    head = '"""Generated by .ci/generate.py tables: do not edit. The format is explained in __init__.py."""\n'
    folder = ROOT / "backends" / "procedures"
    for group, lines in groups.items():
        body = "".join(f"    {name!r}: {line!r},\n".replace("'", '"') for name, line in lines.items())
        (folder / f"{group}.py").write_text(f"{head}# ruff: noqa: E501\n\nPROCEDURES = {{\n{body}}}\n")
    body = "".join(f"    {name!r}: {line!r},\n".replace("'", '"') for name, line in sorted(structs.items()))
    (folder / "structs.py").write_text(f"{head}# ruff: noqa: E501\n\nSTRUCTS = {{\n{body}}}\n")


def write_constants(source: Path) -> None:
    data = json.loads(source.read_text())
    groups: dict[str, list[str]] = {}
    for enum, members in data["enums"].items():
        if enum.startswith("virAdm") or enum == "virClientTransport":
            continue
        words = re.findall("[A-Z][a-z]*", enum)
        group = {
            "Storage": "storage",
            "Error": "errors",
            "Vcpu": "domain",
            "Keycode": "domain",
            "Sched": "domain",
            "Blkio": "domain",
            "Memory": "domain",
            "Network": "network",
            "Interface": "interface",
            "Secret": "secret",
            "Domain": "domain",
            "Connect": "connect",
            "Node": "node",
            "N": "nwfilter",
            "Stream": "stream",
        }.get(words[0], "connect")
        lines = [
            f"{name.removeprefix('VIR_ERR_').removeprefix('VIR_')} = {value}\n"
            for name, value in members.items()
            if not (name.endswith("_LAST") and name == list(members)[-1])
        ]
        groups.setdefault(group, []).append(f"# {enum}\n" + "".join(lines))
    folder = ROOT / "backends" / "constants"
    folder.mkdir(exist_ok=True)
    note = "libvirt's public constants, without their VIR_ prefix. Generated by .ci/generate.py constants: do not edit."
    (folder / "__init__.py").write_text(f'"""{note}"""\n')
    for group, enums in groups.items():
        (folder / f"{group}.py").write_text(f'"""{note}"""\n\n' + "\n".join(enums))


def all_procedures() -> dict[str, Any]:
    from vsh.backends import procedures

    return {name: procedures.lookup(name) for group in procedures.GROUPS for name in procedures.table(group)}


def python_type(spelling: str) -> str:
    from vsh.backends import procedures, records

    base = procedures.base_type(spelling)
    if base == "param" and spelling.endswith("]"):
        return "TypedParams"
    plain = {"string": "str", "chars": "str", "uuid": "bytes", "bytes": "bytes", "octets": "bytes", "double": "float"}
    name = plain.get(base) or ("int" if base in PRIMITIVES else records.class_name(base))
    if spelling.endswith("?"):
        return f"{name} | None"
    if spelling.endswith("]") and base not in ("bytes", "chars", "octets"):
        return f"list[{name}]"
    return name


STUB_HEAD = '"""Generated by .ci/generate.py stubs: do not edit."""\n\n'


def stub_calls() -> str:
    from vsh.backends import records

    lines = [
        STUB_HEAD,
        "from collections.abc import Sequence\n\n",
        "from .params import TypedParams\n", "from .records import *\n",
        "from .streams import Stream\n\n",
        "class Calls:\n",
    ]
    for name, proc in all_procedures().items():
        if proc.event or name.startswith("admin_"):
            continue
        args = [
            "self",
            *(f"{f.name}: {python_type(f.type)}" + (" = 0" if f.name == "flags" else "") for f in proc.parameters),
        ]
        result = proc.results
        value = "None" if not result else python_type(result[0].type) if len(result) == 1 else records.class_name(name)
        if proc.files == "F":
            value = "list[int]" if value == "None" else f"tuple[{value}, list[int]]"
        if proc.stream:
            value = f"tuple[{value}, Stream]"
        text = f"    def {name}({', '.join(args)}) -> {value}: ..."
        lines.append(text.replace("files: bytes", "files: Sequence[int]") + "\n")
    return "".join(lines)


def stub_records() -> str:
    from vsh.backends import events, procedures, records
    from vsh.backends.procedures.structs import STRUCTS

    lines = [STUB_HEAD, "from typing import Any, NamedTuple\n\n", "from .params import TypedParams\n\n"]
    all_ = all_procedures()
    names: list[str] = []

    def emit(name: str, fields: list[tuple[str, str]]) -> None:
        names.append(name)
        lines.append(f"class {name}(NamedTuple):\n")
        lines.extend(f"    {f}: {python_type(t)}\n" for f, t in fields)
        lines.append("\n")

    for struct in STRUCTS:
        if not struct.endswith("_msg"):
            emit(records.class_name(struct), [(f.name, f.type) for f in procedures.struct(struct)])
    for name, proc in all_.items():
        if not name.startswith("admin_") and len(proc.results) > 1:
            emit(records.class_name(name), [(f.name, f.type) for f in proc.results])
    for kind in events.KINDS:
        emit(records.class_name(kind), [(f.name, f.type) for f in events.fields(kind)])
    lines.append("def class_name(name: str) -> str: ...\ndef make(name: str, fields: tuple[str, ...]) -> Any: ...\n")
    lines.append("def of_struct(name: str) -> Any: ...\nREFS: dict[str, Any]\n")
    return "".join(lines)


def write_stubs() -> None:
    (ROOT / "backends" / "calls.pyi").write_text(stub_calls())
    (ROOT / "backends" / "records.pyi").write_text(stub_records())


def index() -> str:
    """commands/index.py: command name -> module below commands/, by group and, within groups, in virsh's order."""
    from vsh.commands import declare

    found: dict[str, dict[str, str]] = {group: {} for group in declare.GROUPS}
    for path in sorted((ROOT / "commands").glob("*/*.py")):
        module = f"{path.parent.name}.{path.stem}"
        for value in vars(__import__(f"vsh.commands.{module}", fromlist=["_"])).values():
            declared = getattr(value, "command", None)
            if isinstance(declared, declare.Command) and value.__module__ == f"vsh.commands.{module}":
                found[declared.group][declared.name] = module
    order = {name: i for i, name in enumerate((ROOT / ".ci" / "command-order.txt").read_text().split())}
    lines = []
    for names in found.values():
        ordered = sorted(names, key=lambda n: (order.get(n, 999), n))
        lines += [f"    {n!r}: {names[n]!r},\n".replace("'", '"') for n in ordered]
    return INDEX.replace("@", "".join(lines))


INDEX = '''"""Where each command is declared, in virsh's order. Generated by .ci/generate.py index: do not edit."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .declare import Command

COMMANDS: "dict[str, str]" = {
@}


def find(name: str) -> "Command | None":
    """The command called `name`, its module imported on the way; None when there is none."""
    module = COMMANDS.get(name)
    if module is None:
        return None
    functions = vars(__import__(f"vsh.commands.{module}", fromlist=["_"])).values()
    found: Command = next(f.command for f in functions if hasattr(f, "command") and f.command.name == name)
    return found
'''


def pages() -> dict[str, str]:
    """Path below the root -> text of the completion scripts and manual pages."""
    from schema_page import schema_page

    from vsh.manual import page
    from vsh.shells import script

    scripts = {"vsh": "bash", "_vsh": "zsh", "vsh.fish": "fish"}
    made = {f"completions/{file}": script(shell) for file, shell in scripts.items()}
    return made | {"man/vsh.1": page(), "man/vsh-data.5": schema_page()}


def write_pages() -> None:
    for path, text in pages().items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["tables", path]:
            write_tables(Path(path))
        case ["constants", path]:
            write_constants(Path(path))
        case ["index"]:
            (ROOT / "commands" / "index.py").write_text(index())
        case ["stubs"]:
            write_stubs()
        case ["pages"]:
            write_pages()
        case ["all"]:
            write_stubs()
            (ROOT / "commands" / "index.py").write_text(index())
            write_pages()
        case _:
            sys.exit(__doc__)
