"""The contract's calls: every procedure of libvirt's remote protocol, by its name in lower case.

Each table maps a name to one line, decoded when it is first looked up:

"domain_get_state": "212 virDomainGetState dom:domain flags:uint -> state:int reason:int"

that is: procedure number and marks, public API name (`-` if there is none), arguments, `->`, results. Marks after the
number: `!` refused on a read-only connection, `?` refused there when certain flags are set, `*` an event, `<` and `>` a
call that opens a stream to read from or to write to, `f` file descriptors travel with the call, `F` with the reply. A
field is `name:type`, in wire order; `=N` after an argument marks one that only sizes a C buffer and the value the codec
sends for it, `=` after a result marks a count that repeats a list's length.

Types: XDR's `int uint hyper uhyper char uchar ushort double`, `string`, `uuid` (16 bytes), `bytes[MAX]`, `chars[MAX]`
and `chars{LEN}` (text sent as an array of char), `octets[MAX]` (bytes sent that way), `param` (a typed parameter), a
structure by name; `?` marks an optional, `[MAX]` an array.

Names, numbers and types are facts of libvirt's protocol files (remote_protocol.x, qemu_protocol.x, lxc_protocol.x,
admin_protocol.x).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GROUPS = ("connect", "domain", "interface", "network", "node", "nwfilter", "secret", "storage", "qemu", "lxc", "admin")
#: program name -> (program number, version)
PROGRAMS = {
    "remote": (0x20008086, 1),
    "qemu": (0x20008087, 1),
    "lxc": (0x00068000, 1),
    "admin": (0x06900690, 1),
}


class Field:
    """One argument or result: its name, its type's spelling and, for an argument that only sizes a buffer, the value to
    send."""

    __slots__ = ("name", "size", "type")

    def __init__(self, text: str):
        name, _, rest = text.partition(":")
        self.name = name
        self.type, mark, size = rest.partition("=")
        self.size: int | None = None if not mark else int(size or -1)


class Procedure:
    """One decoded line of a table.

    `wire_args` and `wire_results` are everything on the wire; `parameters` and `results` what callers pass and get.
    `readonly` is "", "!" or "?"; `stream` "", "<" or ">"; `files` "", "f" or "F".
    """

    __slots__ = (
        "api",
        "event",
        "files",
        "name",
        "number",
        "parameters",
        "program",
        "readonly",
        "results",
        "stream",
        "wire_args",
        "wire_results",
    )

    def __init__(self, name: str, line: str):
        call, _, result = line.partition(" -> ")
        head, self.api, *args = call.split(" ")
        digits = head.rstrip("!?*<>fF")
        marks = head[len(digits) :]
        self.name = name
        self.number = int(digits)
        prefix = name.partition("_")[0]
        self.program = prefix if prefix in PROGRAMS else "remote"
        self.event = "*" in marks
        self.readonly = "!" if "!" in marks else "?" if "?" in marks else ""
        self.stream = "<" if "<" in marks else ">" if ">" in marks else ""
        self.files = "f" if "f" in marks else "F" if "F" in marks else ""
        self.wire_args = [Field(text) for text in args]
        self.wire_results = [Field(text) for text in result.split(" ")] if result else []
        self.results = [f for f in self.wire_results if f.size is None]
        parameters = [f for f in self.wire_args if f.size is None and f.name != "flags"]
        if self.files == "f":
            parameters.append(Field("files:bytes"))
        self.parameters = parameters + [f for f in self.wire_args if f.name == "flags"]


def table(group: str) -> "dict[str, str]":
    """The undecoded lines of one of GROUPS."""
    module: Any = __import__(f"{__name__}.{group}", fromlist=["PROCEDURES"])
    procedures: dict[str, str] = module.PROCEDURES
    return procedures


_decoded: dict[str, Procedure] = {}


def lookup(name: str) -> Procedure:
    """The procedure called `name`.

    Raises KeyError when there is none.
    """
    procedure = _decoded.get(name)
    if procedure is None:
        prefix = name.partition("_")[0]
        group = "connect" if prefix == "auth" else prefix
        if group not in GROUPS:
            raise KeyError(name)
        procedure = _decoded[name] = Procedure(name, table(group)[name])
    return procedure


def struct(name: str) -> list[Field]:
    """The fields of a structure, in wire order.

    Raises KeyError when there is none.
    """
    from .structs import STRUCTS

    return [Field(text) for text in STRUCTS[name].split(" ")]


def base_type(spelling: str) -> str:
    """A type without its `?`, `[MAX]` or `{LEN}`."""
    return spelling.rstrip("?").partition("[")[0].partition("{")[0]
