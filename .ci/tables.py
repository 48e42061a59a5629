"""Tables of procedures and constants from JSON descriptions of libvirt's RPC and of its public enumerations."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
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
