"""What a QEMU binary can do: asked over QMP once, kept in cache/ for as long as the binary is the same."""

import json

from .. import errors
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..hosts import Host

#: Increased when more is asked.
ASKED = 2
QUESTIONS: "tuple[tuple[str, dict[str, str]], ...]" = (
    ("query-version", {}),
    ("query-target", {}),
    ("query-machines", {}),
    ("qom-list-types", {"implements": "device"}),
    ("qom-list-types", {"implements": "object"}),
)
PATIENCE = 30.0
EMULATORS = "/usr/bin/qemu-system-{}"
#: libvirt's names of architectures whose programs QEMU names otherwise.
PROGRAMS = {"i686": "i386", "armv7l": "arm", "ppc64le": "ppc64"}
#: Where a machine's architecture has none that QEMU calls its default.
DEFAULT_MACHINES = {"aarch64": "virt", "armv7l": "virt", "riscv64": "virt", "riscv32": "virt"}


class Capabilities:
    """One binary's: `machines` maps names to what _ask tells of each; `types` are QOM's."""

    def __init__(self, answers: "dict[str, Any]"):
        self.version: tuple[int, ...] = tuple(answers["version"])
        self.arch: str = answers["arch"]
        self.machines: dict[str, dict[str, Any]] = answers["machines"]
        self.types = frozenset(answers["types"])

    def has(self, type: str) -> bool:
        """Whether there is a device, backend or other object of this QOM type."""
        return type in self.types

    def machine(self, name: "str | None") -> "str | None":
        """The name proper of a machine given by name or alias, the default one's for None; None if there is none."""
        if name is None:
            found = next((n for n, m in self.machines.items() if m["default"]), None)
            return found or self.machine(DEFAULT_MACHINES.get(self.arch, "none"))
        if name in self.machines:
            return name
        return next((n for n, m in self.machines.items() if m["alias"] == name), None)


def emulator(arch: str) -> str:
    """The program for an architecture where a domain names none."""
    return EMULATORS.format(PROGRAMS.get(arch, arch))


def probe(host: "Host", folder: str, binary: str, user: "list[str]") -> Capabilities:
    """The capabilities of `binary`, from `folder` if they are known there.

    `user` is a command prefix that gives up privileges. Raises VirtError when it is no QEMU.
    """
    import hashlib

    stat = host.stat(binary)
    if stat is None:
        raise fail(
            errors.INVALID_ARG,
            f"Failed to find an emulator: '{binary}' does not exist",
            hint="install QEMU, or name another <emulator>",
        )
    path = f"{folder}/{hashlib.sha256(f'{ASKED} {binary} {stat.version}'.encode()).hexdigest()[:24]}.json"
    try:
        return Capabilities(json.loads(host.read(path)))
    except (OSError, ValueError, KeyError):
        pass
    answers = _ask(host, binary, user)
    try:
        host.make_folders([folder])
        host.write(path, json.dumps(answers).encode(), durable=False)
    except OSError:
        pass  # a cache
    return Capabilities(answers)


def _ask(host: "Host", binary: str, user: "list[str]") -> "dict[str, Any]":
    argv = [*user, binary, "-S", "-no-user-config", "-nodefaults", "-display", "none"]
    argv += ["-machine", "none,accel=tcg", "-qmp", "stdio"]
    commands: list[dict[str, Any]] = [{"execute": "qmp_capabilities"}]
    commands += [{"execute": name, "arguments": arguments} for name, arguments in QUESTIONS]
    commands.append({"execute": "quit"})
    try:
        done = host.run(argv, "\n".join(map(json.dumps, commands)).encode() + b"\n", timeout=PATIENCE)
    except OSError as error:
        raise fail(errors.INTERNAL_ERROR, f"Failed to probe QEMU binary '{binary}': {error}") from None
    answers = []
    for line in done.stdout.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if "return" in message:
            answers.append(message["return"])
    if done.status or len(answers) <= len(QUESTIONS):
        said = done.stderr.decode("utf-8", "replace").strip()
        raise fail(errors.INTERNAL_ERROR, f"Failed to probe QEMU binary '{binary}': {said or 'no answer'}")
    version, target, machines, *types = answers[1 : len(QUESTIONS) + 1]
    number = version["qemu"]
    return {
        "version": [number["major"], number["minor"], number["micro"]],
        "arch": {"i386": "i686", "arm": "armv7l"}.get(target["arch"], target["arch"]),
        "machines": {
            m["name"]: {
                "alias": m.get("alias"),
                "default_cpu": m.get("default-cpu-type"),
                "default": m.get("is-default", False),
                "max_cpus": m["cpu-max"],
                "deprecated": m.get("deprecated", False),
                "default_ram": m.get("default-ram-id"),
            }
            for m in machines
        },
        "types": sorted({entry["name"] for group in types for entry in group}),
    }
