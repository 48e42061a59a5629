"""The manual page vsh-data(5): what each command gives to programs, found by running it on the embedded test host, and
where that does not do it, on a stand-in with answers of the declared types.

Commands whose required options complete themselves are run with the first candidates; .ci/samples.txt has command
lines for the others, and for answers that options change. What the test host does not do is listed without its data.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from standin import StandIn

from vsh.backends import api
from vsh.commands.declare import Command
from vsh.commands.errors import CommandError
from vsh.complete import Quiet
from vsh.manual import roff
from vsh.options import Options
from vsh.parser import Parsed, parse_line
from vsh.session import Session
from vsh.shells import commands

SAMPLES = Path(__file__).with_name("samples.txt")
#: The files that the samples name.
FILES = {
    "domain.xml": "<domain type='test'><name>sample</name><memory>65536</memory><os><type>hvm</type></os></domain>",
    "network.xml": "<network><name>sample</name><ip address='192.0.2.1' netmask='255.255.255.0'/></network>",
    "pool.xml": "<pool type='dir'><name>sample</name><target><path>/nowhere</path></target></pool>",
    "device.xml": "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
    "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>",
    "interface.xml": "<interface type='ethernet' name='sample'><mac address='aa:bb:cc:dd:ee:f1'/></interface>",
    "cpu.xml": "<cpu><arch>x86_64</arch><model>Haswell</model></cpu>",
    "disk.xml": "<disk type='file'><source file='/nowhere'/><target dev='vdz'/></disk>",
    "secret.xml": "<secret><uuid>11111111-2222-3333-4444-555555555555</uuid></secret>",
    "filter.xml": "<filter name='sample'/>",
    "port.xml": "<networkport><owner><name>x</name><uuid>11111111-2222-3333-4444-555555555555</uuid></owner>"
    "</networkport>",
    "backup.xml": "<domainbackup/>",
    "native.txt": "-m 64",
    "volume.xml": "<volume><name>sample</name><capacity>1048576</capacity></volume>",
}
#: Commands to which the test host has less to tell than others.
POOR = ("domstats",)
#: Seconds after which a command that waits for something is given up.
PATIENCE = 2
HEAD = """\
.\\" Generated from what the commands return: do not edit.
.TH VSH-DATA 5 "" vsh "File Formats"
.SH NAME
vsh\\-data \\- what vsh gives to programs
.SH DESCRIPTION
With \\fB\\-\\-format\\fR json, yaml or ndjson every result is the object
.PP
.nf
    {"schema_version": 1, "command": NAME, "result": ...}
.fi
.PP
on standard output: one for each result on a line of its own (json), one for each element of a list (ndjson), or one
YAML document for each result (yaml). With csv a line of names comes before the objects; those of an inner object are
outer.inner, lists are JSON in one cell, null is empty. Commands that only do something and yield nothing print nothing.
.PP
A failure is an object on standard error, in JSON also with csv, and the exit status is 1:
.PP
.nf
    {"schema_version": 1, "command": NAME or null, "error":
     {"message": string, "cause": string or null, "code": number or null,
      "domain": number or null, "hint": string or null}}
.fi
.PP
code and domain are libvirt's virErrorNumber and virErrorDomain. Sizes are bytes and times are seconds, with the unit at
the end of the key; states and other names from a fixed set are in snake case; null stands for what does not exist. New
keys may be added; what changes otherwise changes schema_version.
.SH RESULTS
As found on the embedded test host, or made from the types of what hosts answer; there may be more keys.
"""


class Recorder:
    """A renderer that keeps the data of all results."""

    watched = False

    def __init__(self) -> None:
        self.found: list[Any] = []

    def show(self, command: Command, result: Any) -> None:
        if result is not None:
            pieces = result if hasattr(result, "__next__") else (result,)
            self.found += [data for one in pieces if (data := one.data()) is not None]

    def error(self, command: Command | None, error: CommandError) -> None:
        pass

    def progress(self, label: str, remaining: int, total: int) -> None:
        pass

    def after(self, seconds: float) -> None:
        pass


class Sampled(Session):
    """A session on the test host."""

    def stand_in(self) -> None:
        """From now on what the host does not do is answered all the same."""
        self._usable()
        self._connection = api.Connection(StandIn(self.connection.session))  # type: ignore[arg-type]


def schema_page() -> str:
    """The page in roff."""
    found: dict[str, list[Any]] = {}
    with _harmless() as folder:
        for parsed in _lines():
            os.chdir(folder)
            found.setdefault(parsed[-1].command.name, []).extend(_run(parsed))
    out, without = [HEAD], []
    for command in commands():
        if data := found.get(command.name):
            out.append(f".SS {roff(command.name)}\n.nf\n")
            out += [f"{roff(line)}\n" for line in _lines_of(merged([shape(one) for one in data]))]
            out.append(".fi\n")
        else:
            without.append(command.name)
    out.append(f".SH WITHOUT DATA\nNothing, or nothing on the test host:\n{roff(', '.join(without))}.\n")
    return "".join(out)


@contextlib.contextmanager
def _harmless() -> Iterator[str]:
    """In a folder of its own, with an editor that changes nothing, and no patience for what waits."""
    before, environment = os.getcwd(), dict(os.environ)

    def give_up(*_: object) -> None:
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGALRM, give_up)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        for name, text in FILES.items():
            Path(folder, name).write_text(text)
        os.environ |= {"VISUAL": "true", "TMPDIR": folder, "HOME": folder}
        os.environ |= {f"XDG_{kind}_HOME": folder for kind in ("CONFIG", "CACHE", "DATA")} | {"XDG_RUNTIME_DIR": folder}
        try:
            yield folder
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)
            signal.signal(signal.SIGALRM, handler)


def _lines() -> Iterator[list[Parsed]]:
    quiet: Any = Quiet("test:///default")
    with contextlib.closing(quiet):
        for command in commands():
            with contextlib.suppress(LookupError):
                yield [Parsed(command, _given(command, quiet))]
    for line in SAMPLES.read_text().splitlines():
        if line and not line.startswith("#"):
            with contextlib.suppress(CommandError):  # a command that is not there
                yield parse_line(line)


def _given(command: Command, quiet: Any) -> dict[str, Any]:
    """The first candidate for each required option.

    Raises LookupError for one that has none.
    """
    given: dict[str, Any] = {}
    for option in command.options:
        if option.required:
            if option.complete is None:
                raise LookupError(option.name)
            try:
                candidates = option.complete(quiet, given)
            except Exception as error:
                raise LookupError(option.name) from error
            given[option.name] = [candidates[0]] if option.kind == "argv" else candidates[0]
    return given


def _run(parsed: list[Parsed]) -> list[Any]:
    """What the last of these commands gives on a host as it is at first."""
    options = Options()
    options.uri, options.format = "test:///default", "json"
    session = Sampled(options)
    recorder = session.render = Recorder()
    signal.alarm(PATIENCE)
    try:
        session.run(parsed[:-1])
        recorder.found.clear()
        session.run(parsed[-1:])
        if not recorder.found or parsed[-1].command.name in POOR:
            session.stand_in()
            session.run(parsed[-1:])
    except KeyboardInterrupt:
        pass
    finally:
        signal.alarm(0)
        session.close()
    return recorder.found


def shape(value: Any) -> Any:
    """The kind of a value: a set of names of types, a dict of the shapes of keys, or a list of one shape."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [merged([shape(inner) for inner in value])] if value else []
    for kind, name in ((bool, "boolean"), ((int, float), "number"), (str, "string")):
        if isinstance(value, kind):
            return {name}
    return {"null"}


def merged(shapes: list[Any]) -> Any:
    """One shape that all of these have; sets hold what differs."""
    first = shapes[0]
    if all(isinstance(one, dict) for one in shapes):
        keys = dict.fromkeys(key for one in shapes for key in one)
        return {key: merged([one[key] for one in shapes if key in one]) for key in keys}
    if all(isinstance(one, list) for one in shapes):
        inner = [one[0] for one in shapes if one]
        return [merged(inner)] if inner else []
    if all(isinstance(one, set) for one in shapes):
        return set().union(*shapes)
    richer = [one for one in shapes if not isinstance(one, set)]
    return merged(richer) if richer and richer[0] is not first else first


def _lines_of(found: Any, indent: str = "  ", label: str = "") -> Iterator[str]:
    if isinstance(found, dict):
        yield f"{label}object"
        width = max((len(key) for key in found), default=0)
        for key, inner in found.items():
            yield from _lines_of(inner, indent + "  ", f"{indent}{key:<{width}}  ")
    elif isinstance(found, list):
        lines = list(_lines_of(found[0], indent)) if found else ["anything"]
        yield f"{label}list of {lines[0]}{'s' if lines[0] in ('object', 'string', 'number') else ''}"
        yield from lines[1:]
    else:
        yield f"{label}{' or '.join(sorted(found))}"
