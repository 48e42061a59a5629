"""`help`: what commands there are and how each is used."""

from ..declare import GROUPS, Opt, command
from ..errors import CommandError
from ..index import COMMANDS, find
from ..results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..context import Context
    from ..declare import Command


def topics(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """The commands; like virsh's, without the groups, which help can be asked about too."""
    return list(COMMANDS)


@command(
    "help",
    group="virsh",
    options=[Opt("command", "a command, or the keyword or title of a group of them", empty=True, complete=topics)],
    connects=False,
)
def help(ctx: "Context", command: str = "") -> Text:
    """Explain commands.

    Without a name all commands are listed by group; with the name of a command its options are explained, with that
    of a group its commands are listed.
    """
    if not command:
        members = {group: _members(group) for group in GROUPS}
        texts = [_group(group, members[group]) + "\n" for group in GROUPS if members[group]]
        groups = [_group_data(group, members[group]) for group in GROUPS if members[group]]
        return Text("Grouped commands:\n\n" + "".join(texts), data={"groups": groups})
    declared = find(command)
    if declared is not None:
        return Text(explanation(declared), data=_command_data(declared))
    for group, title in GROUPS.items():
        if command in (group, title):
            return Text(_group(group, _members(group)), data=_group_data(group, _members(group)))
    raise CommandError(f"command or command group '{command}' doesn't exist", hint="'help' lists the commands")


def _members(group: str) -> "list[Command]":
    """The commands of a group that are not hidden."""
    commands = [found for name, module in COMMANDS.items() if module.startswith(f"{group}.") and (found := find(name))]
    return [command for command in commands if not command.hidden]


def _group(group: str, members: "list[Command]") -> str:
    lines = [f" {GROUPS[group]} (help keyword '{group}'):\n"]
    lines += [f"    {command.name:<30} {command.summary}\n" for command in members]
    return "".join(lines)


def explanation(command: "Command") -> str:
    """The help of one command."""
    words = [word for option in command.options if (word := synopsis(command, option))]
    text = f"  NAME\n    {command.name} - {command.summary}\n\n  SYNOPSIS\n    {' '.join([command.name, *words])}\n"
    if command.description:
        text += "\n  DESCRIPTION\n" + "".join(f"    {line}\n" for line in command.description.split("\n"))
    if command.options:
        text += "\n  OPTIONS\n"
    for option in command.options:
        if option.kind != "alias":
            text += f"    {spelling(command, option):<15}  {option.help}\n"
    return text + "\n"


def synopsis(command: "Command", option: Opt) -> str:
    """An option as it stands in the synopsis; "" for other spellings of one."""
    match option.kind:
        case "bool":
            return f"[--{option.name}]"
        case "int":
            return f"<{option.name}>" if option.required else f"[--{option.name} <number>]"
        case "string":
            return f"[--{option.name} <string>]"
        case "data":
            return f"<{option.name}>"
        case "argv":
            word = f"[--{option.name}] <string>" if _has_positional(command, option) else f"<{option.name}>"
            if option.required:
                return f"{{{word}}}..." if word[0] == "[" else f"{word}..."
            return f"[{word}]..."
    return ""


def spelling(command: "Command", option: Opt) -> str:
    """An option as the list of options spells it."""
    match option.kind:
        case "bool":
            return f"--{option.name}"
        case "int":
            return f"[--{option.name}] <number>" if option.required else f"--{option.name} <number>"
        case "string":
            return f"--{option.name} <string>"
        case "argv" if not _has_positional(command, option):
            return f"<{option.name}>"
    return f"[--{option.name}] <string>"


def _has_positional(command: "Command", argv: Opt) -> bool:
    """Whether bare words may fill options that stand before `argv`, so that its name tells them apart."""
    return any(option.positional for option in command.options if option is not argv)


def _group_data(group: str, members: "list[Command]") -> "dict[str, Any]":
    commands = [{"name": command.name, "summary": command.summary} for command in members]
    return {"keyword": group, "title": GROUPS[group], "commands": commands}


def _command_data(command: "Command") -> "dict[str, Any]":
    return {
        "name": command.name,
        "group": command.group,
        "summary": command.summary,
        "description": command.description,
        "options": [
            {"name": option.name, "type": option.kind, "required": option.required, "help": option.help}
            for option in command.options
            if option.kind != "alias"
        ],
    }
