"""`self-test`: are the declarations of all commands sound?"""

from ..declare import Alias, Flag, command
from ..errors import CommandError
from ..results import Text
from .help import explanation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..context import Context
    from ..declare import Command


@command(
    "self-test",
    group="virsh",
    options=[
        Flag("completers-missing", "list the options for whose values completion has nothing to offer"),
        Flag("dump-help", "show the help of all commands"),
    ],
    connects=False,
    hidden=True,
)
def self_test(ctx: "Context", completers_missing: bool = False, dump_help: bool = False) -> "Iterator[Text]":
    """Check how the commands are declared.

    For those who add commands.
    """
    from ..index import COMMANDS, find

    commands = [found for name in COMMANDS if (found := find(name))]
    faults = [f"{command.name}: {fault}" for command in commands for fault in _faults(command)]
    for fault in faults:
        ctx.warn(fault)
    if faults:
        raise CommandError()
    if dump_help:
        help = {command.name: explanation(command) for command in commands}
        yield Text("".join(help.values()), data=help)
    if completers_missing:
        missing = {command.name: names for command in commands if (names := _uncompleted(command))}
        yield Text("".join(f"{name}: {', '.join(names)}\n" for name, names in missing.items()), data=missing)


def _faults(command: "Command") -> "Iterator[str]":
    """What is wrong with a declaration: what parser and help could not make sense of."""
    names = [option.name for option in command.options]
    if not command.summary:
        yield "it has no help"
    optional, taker = False, ""
    for option in command.options:
        if names.count(option.name) > 1:
            yield f"option --{option.name} is declared twice"
        if isinstance(option, Alias):
            if option.target not in names:
                yield f"option --{option.name} stands for --{option.target}, which does not exist"
            continue
        if not option.help:
            yield f"option --{option.name} has no help"
        if taker and option.positional:
            yield f"no word reaches --{option.name} behind --{taker}, which takes all"
        taker = option.name if option.kind == "argv" else taker
        if option.required and option.positional and optional:
            yield f"the required word --{option.name} follows one that may be left out"
        optional = optional or (option.positional and option.kind != "bool" and not option.required)
    for pair in (*command.exclusive, *command.requires):
        for name in pair:
            if name not in names:
                yield f"there is a rule about --{name}, which does not exist"


def _uncompleted(command: "Command") -> "list[str]":
    return [o.name for o in command.options if o.kind not in ("bool", "alias", "int") and o.complete is None]
