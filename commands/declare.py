"""How a command is declared: once, for the parser, completion, help, the man page and every output format.

    @command("domstate", group="monitor", options=[DOMAIN, Flag("reason", "also say why")])
    def domstate(ctx, domain, reason=False):
        '''Show the state of a domain.'''
        ...

The function's docstring is the command's help: its first line the summary, the rest the description. Option names
become keyword arguments with `_` for `-`. Grammar is virsh's: options stand in the order in which bare words fill them.
"""

from .errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .context import Context

    Handler = Callable[..., Any]
    #: Candidates for an option's value, from the connection and from what was typed for other options.
    Completer = Callable[[Context, dict[str, str]], Sequence[str]]

#: Groups in virsh's order: keyword -> title.
GROUPS = {
    "domain": "Domain Management",
    "monitor": "Domain Monitoring",
    "events": "Domain Events",
    "host": "Host and Hypervisor",
    "checkpoint": "Checkpoint",
    "interface": "Interface",
    "filter": "Network Filter",
    "network": "Networking",
    "nodedev": "Node Device",
    "secret": "Secret",
    "snapshot": "Snapshot",
    "backup": "Backup",
    "pool": "Storage Pool",
    "volume": "Storage Volume",
    "virsh": "Virsh itself",
}


class Opt:
    """An option that takes a value, `--NAME VALUE`.

    `required` words must be given; `positional` options may be filled by a bare word. `empty` allows the empty
    string. `late` values are checked when the command calls what it gets: virsh looks at something else first.
    `resolve` turns the text into what the command gets (raising CommandError), `complete` names candidates
    for completion, `secret` keeps the value out of history and logs.
    """

    kind = "string"
    value = "string"

    def __init__(
        self,
        name: str,
        help: str = "",
        *,
        required: bool = False,
        positional: bool = True,
        empty: bool = False,
        late: bool = False,
        secret: bool = False,
        resolve: "Callable[[Context, str], Any] | None" = None,
        complete: "Completer | None" = None,
    ):
        self.name = name
        self.help = help
        self.required = required
        self.positional = positional
        self.empty = empty
        self.late = late
        self.secret = secret
        self.resolve = resolve
        self.complete = complete

    @property
    def key(self) -> str:
        """The keyword argument the command gets."""
        return self.name.replace("-", "_")

    def convert(self, ctx: "Context", text: str) -> "Any":
        """What the command gets for `text`.

        Raises CommandError with virsh's words.
        """
        if not text and not self.empty:
            raise CommandError(f"Failed to get option '{self.name}': Option argument is empty")
        return self.resolve(ctx, text) if self.resolve else text


class Data(Opt):
    """A required word, `<NAME>`."""

    kind = "data"

    def __init__(self, name: str, help: str = "", **rest: "Any"):
        super().__init__(name, help, required=True, **rest)


class Int(Opt):
    """An option that takes a whole number between `least` and `most`."""

    kind = "int"
    value = "number"

    def __init__(self, name: str, help: str = "", *, least: int = -(2**31), most: int = 2**31 - 1, **rest: "Any"):
        super().__init__(name, help, **rest)
        self.least = least
        self.most = most

    def convert(self, ctx: "Context", text: str) -> "Any":
        from vsh.backends.xml.values import c_int

        try:
            return c_int(text, low=self.least, high=self.most)
        except ValueError:
            raise CommandError(
                f"Numeric value '{text}' for <{self.name}> option is malformed or out of range"
            ) from None


class Scaled(Opt):
    """An option that takes a size: a whole number with a unit ("512M", "1GiB", "10KB"), else in units of `scale` bytes.

    The command gets bytes, at most `most`.
    """

    kind = "int"
    value = "number"

    def __init__(self, name: str, help: str = "", *, scale: int = 1, most: int = 2**63 - 1, **rest: "Any"):
        super().__init__(name, help, **rest)
        self.scale = scale
        self.most = most

    def convert(self, ctx: "Context", text: str) -> "Any":
        from vsh.backends.errors import VirtError
        from vsh.backends.xml.values import parse_size

        try:
            return parse_size(text, self.scale, self.most)
        except VirtError as error:
            cause = error
        except ValueError:
            raise CommandError(
                f"Scaled numeric value '{text}' for <{self.name}> option is malformed or out of range"
            ) from None
        raise CommandError(
            f"Scaled numeric value '{text}' for <{self.name}> option is malformed or out of range", cause
        )


class Flag(Opt):
    """An option without a value."""

    kind = "bool"

    def __init__(self, name: str, help: str = ""):
        super().__init__(name, help, positional=False)


class Argv(Opt):
    """The rest of the words, as a list."""

    kind = "argv"

    def __init__(self, name: str, help: str = "", **rest: "Any"):
        super().__init__(name, help, **rest)


class Alias(Opt):
    """Another spelling of the option `target`; with `=VALUE` after it, a flag that stands for that value."""

    kind = "alias"

    def __init__(self, name: str, target: str):
        super().__init__(name, positional=False)
        self.target, mark, value = target.partition("=")
        self.fixed = value if mark else None


class Command:
    """One declared command."""

    def __init__(
        self,
        name: str,
        group: str,
        options: "Sequence[Opt]",
        handler: "Handler",
        *,
        connects: bool = True,
        hidden: bool = False,
        exclusive: "Sequence[tuple[str, str]]" = (),
        requires: "Sequence[tuple[str, str]]" = (),
    ):
        self.name = name
        self.group = group
        self.options = options
        self.handler = handler
        self.connects = connects
        self.hidden = hidden
        self.exclusive = exclusive
        self.requires = requires

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of the help, without its indentation."""
        lines = (self.handler.__doc__ or "").strip().partition("\n")[2].strip("\n").split("\n")
        return "\n".join(line.strip() for line in lines).strip()

    def call(self, ctx: "Context", given: "dict[str, Any]") -> "Any":
        """Run the command with the words the parser found: option name -> text, True, or list of texts."""
        for one, other in self.exclusive:
            if one in given and other in given:
                raise CommandError(f"Options --{one} and --{other} are mutually exclusive")
        for one, other in self.requires:
            if one in given and other not in given:
                raise CommandError(f"Option --{other} is required by option --{one}")
        values: dict[str, Any] = {}
        for option in self.options:
            if option.name in given:
                values[option.key] = _value(ctx, option, given[option.name])
        return self.handler(ctx, **values)


def _value(ctx: "Context", option: Opt, given: "Any") -> "Any":
    if not isinstance(given, str):
        return given
    return (lambda: option.convert(ctx, given)) if option.late else option.convert(ctx, given)


def command(
    name: str,
    group: str,
    options: "Sequence[Opt]" = (),
    *,
    connects: bool = True,
    hidden: bool = False,
    exclusive: "Sequence[tuple[str, str]]" = (),
    requires: "Sequence[tuple[str, str]]" = (),
) -> "Callable[[Handler], Handler]":
    """Declare the decorated function as the command `name` of `group`.

    `connects` is False for commands that need no connection, `hidden` keeps them out of help; `exclusive` and
    `requires` are pairs of option names that exclude, or need, each other.
    """

    def declare(handler: "Handler") -> "Handler":
        handler.command = Command(  # type: ignore[attr-defined]
            name, group, options, handler, connects=connects, hidden=hidden, exclusive=exclusive, requires=requires
        )
        return handler

    return declare
