"""The options before the command: virsh's, parsed as getopt_long parses them, and vsh's own."""

from vsh.commands.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .render.select import Condition

#: long name -> (short name or "", whether it takes a value: "", "required" or "optional")
LONG = {
    "connect": ("c", "required"),
    "debug": ("d", "required"),
    "escape": ("e", "required"),
    "help": ("h", ""),
    "keepalive-interval": ("k", "required"),
    "keepalive-count": ("K", "required"),
    "log": ("l", "required"),
    "quiet": ("q", ""),
    "readonly": ("r", ""),
    "timing": ("t", ""),
    "version": ("v", "optional"),
    "format": ("", "required"),
    "columns": ("", "required"),
    "sort": ("", "required"),
    "filter": ("", "required"),
    "no-agent": ("", ""),
    "tag": ("", "required"),
}
#: Those that virsh does not have: what follows its own.
OWN = frozenset(list(LONG)[list(LONG).index("version") + 1 :])
SHORT = {short: (name, value) for name, (short, value) in LONG.items() if short} | {
    "V": ("V", ""),
    "v": ("version", ""),
}
FORMATS = ("plain", "json", "ndjson", "yaml", "csv")


class Options:
    """What was asked for before the command.

    `rest` is the command with its arguments.
    """

    def __init__(self) -> None:
        self.uri: str | None = None
        self.debug: int | None = None
        self.escape = "^]"
        self.help = False
        self.keepalive_interval: int | None = None
        self.keepalive_count: int | None = None
        self.log: str | None = None
        self.quiet = False
        self.readonly = False
        self.timing = False
        self.version = ""
        self.format = ""
        self.no_agent = False
        self.tag = ""
        self.columns = ""
        self.sort = ""
        self.filters: list[Condition] = []
        self.warnings: list[str] = []
        self.rest: list[str] = []

    @property
    def several(self) -> bool:
        """Whether several saved connections are meant: `-c A,B` or --tag; a URI may hold commas, but has a colon."""
        return bool(self.tag) or ("," in (self.uri or "") and ":" not in (self.uri or ""))


def parse(argv: "list[str]", into: "Options | None" = None) -> Options:
    """Parse until the first word that is no option, `into` these if they are given.

    Raises CommandError with virsh's words; what came before the fault is parsed then.
    """
    options = into or Options()
    words = iter(argv)
    used = 0
    for word in words:
        if word == "--":
            used += 1
            break
        if len(word) < 2 or word[0] != "-":
            break
        if word.startswith("--"):
            name, value = _long(word[2:], words)
            used += 1 + (value is not None and "=" not in word)
            _set(options, name, value or "", f"--{name}")
        else:
            used += _cluster(options, word[1:], words)
        if options.help or options.version:
            break
    options.rest = argv[used:]
    return options


def _long(text: str, words: "Iterator[str]") -> "tuple[str, str | None]":
    name, equals, value = text.partition("=")
    matches = [name] if name in LONG else [n for n in LONG if n.startswith(name)]
    if len(matches) > 1:  # an abbreviation that virsh knows stays one
        matches = [n for n in matches if n not in OWN] or matches
    if len(matches) != 1:
        raise CommandError(f"unsupported option '--{text}'. See --help.")
    short, takes = LONG[matches[0]]
    if equals:
        if not takes:
            raise CommandError(f"unsupported option '-{short}'. See --help.")
        return matches[0], value
    if takes == "required":
        given = next(words, None)
        if given is None:
            spelled = f"'-{short}'/" if short else ""
            raise CommandError(f"option {spelled}'--{matches[0]}' requires an argument")
        return matches[0], given
    return matches[0], None


def _cluster(options: Options, letters: str, words: "Iterator[str]") -> int:
    """Handle `-qc URI`-like clusters; the number of words used."""
    for i, letter in enumerate(letters):
        if letter not in SHORT:
            raise CommandError(f"unsupported option '-{letter}'. See --help.")
        name, takes = SHORT[letter]
        if takes:
            value = letters[i + 1 :]
            used = 1
            if not value:
                given = next(words, None)
                if given is None:
                    raise CommandError(f"option '-{letter}'/'--{name}' requires an argument")
                value, used = given, 2
            _set(options, name, value, f"-{letter}")
            return used
        _set(options, name, "", f"-{letter}")
        if options.help or options.version:
            break
    return 1


def _set(options: Options, name: str, value: str, spelled: str) -> None:
    match name:
        case "connect":
            options.uri = value
        case "debug":
            level = _number(value, f"option {spelled} takes a numeric argument")
            if 0 <= level <= 4:
                options.debug = level
            else:
                options.warnings.append(f"ignoring debug level {level} out of range [0-4]")
        case "escape":
            caret = len(value) == 2 and value[0] == "^" and ("a" <= value[1] <= "z" or "@" <= value[1] <= "_")
            if not caret and (len(value) != 1 or value == "^"):
                raise CommandError(f"Invalid string '{value}' for escape sequence")
            options.escape = value
        case "keepalive-interval" | "keepalive-count":
            number = _number(value, f"Invalid value for option {spelled}", 0)
            if number < 0:
                raise CommandError(f"option {spelled} requires a positive integer argument")
            setattr(options, name.replace("-", "_"), number)
        case "log":
            options.log = value
        case "version":
            options.version = "long" if value == "long" else "short"
        case "V":
            options.version = "long"
        case "format":
            if value not in FORMATS:
                raise CommandError(f"unknown format '{value}': use one of {', '.join(FORMATS)}")
            options.format = value
        case "columns" | "sort" | "tag":
            setattr(options, name, value)
        case "filter":
            from .render.select import condition

            options.filters.append(condition(value))
        case _:
            setattr(options, name.replace("-", "_"), True)


def _number(text: str, fault: str, base: int = 10) -> int:
    from .backends.xml.values import signed

    try:
        return signed(text, base)
    except ValueError:
        raise CommandError(fault) from None
