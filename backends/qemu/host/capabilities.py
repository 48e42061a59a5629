"""What a QEMU binary can do: asked over QMP once, kept in cache/ for as long as the binary is the same."""

import json

from ... import errors
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...hosts import Host
    from ..driver import QemuDriver

    #: commands of QMP and their arguments
    Questions = tuple[tuple[str, dict[str, Any]], ...]

#: Increased when more is asked.
ASKED = 2
QUESTIONS: "Questions" = (
    ("query-version", {}),
    ("query-target", {}),
    ("query-machines", {}),
    ("qom-list-types", {"implements": "device"}),
    ("qom-list-types", {"implements": "object"}),
)
#: Seconds in which it answers, however busy the machine, and how often one tries.
PATIENCE = 60.0
TRIES = 3
EMULATORS = "/usr/bin/qemu-system-{}"
#: libvirt's names of architectures whose programs QEMU names otherwise.
PROGRAMS = {"i686": "i386", "armv6l": "arm", "armv7l": "arm", "ppc64le": "ppc64"}
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

    def serves(self, arch: str) -> bool:
        """Whether guests of an architecture run on it."""
        return arch == self.arch or (arch, self.arch) in (("i686", "x86_64"), ("ppc64le", "ppc64"))

    def machine(self, name: "str | None") -> "str | None":
        """The name proper of a machine given by name or alias, the default one's for None; None if there is none."""
        if name is None:
            found = next((n for n, m in self.machines.items() if m["default"]), None)
            return found or self.machine(DEFAULT_MACHINES.get(self.arch, "none"))
        if name in self.machines:
            return name
        return next((n for n, m in self.machines.items() if m["alias"] == name), None)


def emulator(host: "Host", arch: str) -> str:
    """The program for an architecture where a domain names none, be it there or not."""
    return installed(host, arch) or EMULATORS.format(PROGRAMS.get(arch, arch))


def installed(host: "Host", arch: str) -> "str | None":
    """The program for an architecture; None where there is none."""
    paths = [EMULATORS.format(name) for name in (arch, PROGRAMS.get(arch, arch))]
    return next((path for path in paths if host.stat(path) is not None), None)


def of(driver: "QemuDriver", binary: str) -> Capabilities:
    """The capabilities of `binary`, from the driver's cache if they are known there.

    Raises VirtError when it is no QEMU.
    """
    return probe(driver.host, folder(driver), binary, driver.user_prefix(), keep=driver.settled)


def folder(driver: "QemuDriver") -> str:
    """Where a driver keeps what binaries have answered."""
    return f"{driver.places.cache}/capabilities"


def probe(host: "Host", folder: str, binary: str, user: "list[str]", keep: bool = True) -> Capabilities:
    """The same, kept in `folder` if they are to be kept; `user` is a command prefix that gives up privileges."""
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
        if keep:
            host.make_folders([folder])
            host.write(path, json.dumps(answers).encode(), durable=False)
    except OSError:
        pass  # a cache
    return Capabilities(answers)


def _ask(host: "Host", binary: str, user: "list[str]") -> "dict[str, Any]":
    answers = ask(host, binary, user, "tcg", QUESTIONS)
    if None in answers:
        raise _no_qemu(binary, "it is too old")
    version, target, machines, *types = answers
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


def ask(host: "Host", binary: str, user: "list[str]", accel: str, questions: "Questions") -> "list[Any]":
    """What `binary` answers to QMP commands (name, arguments) without a machine; None for one that it refuses.

    Raises VirtError when it is no QEMU, or cannot run with that accelerator.
    """
    argv = [*user, binary, "-S", "-no-user-config", "-nodefaults", "-display", "none"]
    argv += ["-machine", f"none,accel={accel}", "-qmp", "stdio"]
    asked = [("qmp_capabilities", {}), *questions, ("quit", {})]
    lines = [{"execute": name, "arguments": arguments, "id": n} for n, (name, arguments) in enumerate(asked)]
    text = "\n".join(map(json.dumps, lines)).encode() + b"\n"
    said = ""
    for _ in range(TRIES):
        try:
            done = host.run(argv, text, timeout=PATIENCE)
        except TimeoutError:
            said = f"no answer within {PATIENCE:.0f} s"
            continue
        except OSError as error:
            raise _no_qemu(binary, str(error)) from None
        answers = _answers(done.stdout)
        if not done.status and len(answers) >= len(questions) + 1:
            return [answers[n] for n in range(1, len(questions) + 1)]
        said = done.stderr.decode("utf-8", "replace").strip()
        if said or done.status > 0:
            said = said or f"it ended with status {done.status}"
            break
        said = f"killed by signal {-done.status}" if done.status else "no answer"  # which another try may have
    raise _no_qemu(binary, said)


def _answers(output: bytes) -> "dict[int, Any]":
    """id -> what was returned, None for what was refused."""
    found = {}
    for line in output.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and "id" in message:
            found[message["id"]] = message.get("return")
    return found


def _no_qemu(binary: str, said: str) -> errors.VirtError:
    return fail(errors.INTERNAL_ERROR, f"Failed to probe QEMU binary '{binary}': {said}")
