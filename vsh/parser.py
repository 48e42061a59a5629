"""Virsh's command grammar: from an argument list or a line of text to commands and the words given to them.

One parser serves one-shots, batches, scripts on standard input and the prompt. All of a line is parsed before any of
it runs. Texts of errors are virsh's.
"""

from vsh.commands.declare import Alias, Command, Opt
from vsh.commands.errors import CommandError
from vsh.commands.index import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


class Parsed:
    """One command and what was given to it: option name -> text, True for flags, list of texts for the rest of the
    words."""

    __slots__ = ("command", "given")

    def __init__(self, command: Command, given: "dict[str, Any]"):
        self.command = command
        self.given = given


#: Stands between commands in a stream of words.
END = None


def words_of_line(line: str) -> "Iterator[str | None]":
    """Split a line as virsh does: blanks separate words, `;` and newlines commands (END); quotes and backslashes as
    in a shell.

    A word that starts with `#` begins a comment. Raises CommandError for a dangling backslash or an open double
    quote; an open single quote ends with the line, as in virsh.
    """
    if not any(char in line for char in "\"'\\#\n"):
        # Almost every line, and a long one may hold thousands of commands.
        for number, part in enumerate(line.replace("\t", " ").split(";")):
            if number:
                yield END
            yield from filter(None, part.split(" "))
        return
    at, end = 0, len(line)
    while True:
        while at < end and (line[at] in " \t" or line.startswith("\\\n", at)):
            at += 2 if line[at] == "\\" else 1
        if at >= end:
            return
        if line[at] in ";\n":
            at += 1
            yield END
            continue
        if line[at] == "#":
            newline = line.find("\n", at)
            at = end if newline < 0 else newline + 1
            yield END
            continue
        word: list[str] = []
        quote = ""
        while at < end and (quote or line[at] not in " \t;\n"):
            char = line[at]
            if char in "'\"" and quote in ("", char):
                quote = "" if quote else char
            elif char == "\\" and quote != "'":
                at += 1
                if at >= end:
                    raise CommandError("dangling \\")
                if line[at] != "\n":
                    word.append(line[at])
            else:
                word.append(char)
            at += 1
        if quote == '"':
            raise CommandError('missing "')
        yield "".join(word)


def parse_line(line: str) -> "list[Parsed]":
    """The commands of a line.

    Raises CommandError at the first fault, before anything has run.
    """
    return _parse(words_of_line(line))


def parse_argv(argv: "list[str]") -> "list[Parsed]":
    """The command that a list of arguments spells.

    Raises CommandError.
    """
    return _parse(iter(argv))


def tells_secret(parsed: "list[Parsed]") -> bool:
    """Whether one of the commands was given the value of an option that is secret."""
    return any(option.secret and option.name in one.given for one in parsed for option in one.command.options)


def _parse(words: "Iterator[str | None]") -> "list[Parsed]":
    found: list[Parsed] = []
    one = OneCommand()
    for word in words:
        if word is END:
            one.finish(found)
            one = OneCommand()
        else:
            one.add(word, words)
    one.finish(found)
    return found


class OneCommand:
    """Collects the words of one command.

    `slots` are the options that bare words can still fill, `expecting` one whose value has not come.
    """

    def __init__(self) -> None:
        self.command: Command | None = None
        self.given: dict[str, Any] = {}
        self.bare_only = False
        self.comment = False
        self.help = False
        self.slots: list[Opt] = []
        self.expecting: Opt | None = None

    def add(self, word: str, rest: "Iterator[str | None]") -> None:
        if self.comment:
            return
        if self.command is None:
            if word.startswith("#"):
                self.comment = True
                return
            self.command = find(word)
            if self.command is None:
                raise CommandError(f"unknown command: '{word}'", hint=_suggest(word))
            self.slots = [o for o in self.command.options if o.positional and o.kind not in ("bool", "alias")]
        elif self.bare_only or not word.startswith("--") or (word != "--" and not _letter(word[2])):
            self.bare(word)
        elif word == "--":
            self.bare_only = True
        else:
            self.named(word[2:], rest)

    def bare(self, word: str) -> None:
        assert self.command is not None
        if self.slots:
            self.fill(self.slots[0], word)
        elif self.command.name != "help":
            raise CommandError(f"unexpected data '{word}'")

    def named(self, text: str, rest: "Iterator[str | None]") -> None:
        assert self.command is not None
        name, equals, value = text.partition("=")
        given: str | None = value if equals else None
        if name == "help":
            if equals:
                raise CommandError("invalid '=' after option --help")
            self.help = True
            return
        option = next((o for o in self.command.options if o.name == name), None)
        if isinstance(option, Alias):
            if option.fixed is not None:
                if equals:
                    raise CommandError(f"invalid '=' after option --{name}")
                given = option.fixed
            target = option.target
            option = next(o for o in self.command.options if o.name == target)
        if option is None:
            if self.command.name == "help":
                return
            raise CommandError(
                f"command '{self.command.name}' doesn't support option --{name}",
                hint=_suggest_option(self.command, name),
            )
        if option.name in self.given and option.kind != "argv":
            raise CommandError(f"option --{option.name} already seen")
        if option.kind == "bool":
            if equals:
                raise CommandError(f"invalid '=' after option --{option.name}")
            self.given[option.name] = True
            return
        if given is None:
            given = next(rest, END)
            if given is END:
                self.expecting = option
                raise CommandError(f"expected syntax: --{option.name} <{option.value}>")
        self.fill(option, given)

    def fill(self, option: Opt, text: str) -> None:
        if option.kind == "argv":
            self.given.setdefault(option.name, []).append(text)
        else:
            self.given[option.name] = text
            if option in self.slots:
                self.slots.remove(option)

    def finish(self, found: "list[Parsed]") -> None:
        command = self.command
        if command is None:
            return
        if self.help:
            asked = find("help")
            assert asked is not None
            found.append(Parsed(asked, {"command": command.name}))
            return
        missing = [o for o in command.options if o.required and o.name not in self.given]
        if missing:
            shape = {"data": "<{}>", "argv": "<{}>"}
            texts = [
                f"command '{command.name}' requires {shape.get(o.kind, '--{}').format(o.name)} option" for o in missing
            ]
            raise CommandError("\nerror: ".join(texts))
        found.append(Parsed(command, self.given))


def _letter(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _closest(word: str, candidates: "list[str]", quoted: "Callable[[str], str]") -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, candidates, 3, 0.7)
    return f"did you mean {' or '.join(quoted(n) for n in near)}?" if near else ""


def _suggest(word: str) -> str:
    from vsh.commands.index import COMMANDS

    return _closest(word, list(COMMANDS), lambda name: f"'{name}'") or "'help' lists the commands"


def _suggest_option(command: Command, name: str) -> str:
    names = [o.name for o in command.options if o.kind != "alias"]
    return _closest(name, names, lambda n: f"--{n}") or f"'help {command.name}' lists its options"
