"""Options of a command line as commands of the monitor: what starts a device also plugs it in."""

import json

from ... import errors
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..argv.launch import Launch
    from ..qmp import Monitor

    Option = tuple[str, dict[str, Any]]

#: option of the command line -> command that does the same, and the command and argument that undo it
_COMMANDS = {
    "-chardev": ("chardev-add", "chardev-remove", "id"),
    "-blockdev": ("blockdev-add", "blockdev-del", "node-name"),
    "-netdev": ("netdev_add", "netdev_del", "id"),
    "-object": ("object-add", "object-del", "id"),
    "-device": ("device_add", "device_del", "id"),
    "-watchdog-action": ("watchdog-set-action", "", ""),
}
#: What names open files.
_FILES = ("fd", "fds", "vhostfd", "vhostfds")


def parse(argv: "list[str]") -> "list[Option]":
    """Options with what they say."""
    return [(option, _read(option, value)) for option, value in zip(argv[::2], argv[1::2], strict=True)]


def _read(option: str, value: str) -> "dict[str, Any]":
    if option == "-chardev":
        return chardev(value)
    if option == "-watchdog-action":
        return {"action": value}
    props: dict[str, Any] = json.loads(value)
    return props


def plug(monitor: "Monitor", options: "list[Option]") -> "dict[str, Any]":
    """Do what options say; what fails is undone. The answers that say something, by what they answer."""
    done: list[Option] = []
    answers: dict[str, Any] = {}
    try:
        for option, props in options:
            answer = monitor.do(_COMMANDS[option][0], props)
            done.append((option, props))
            if answer:
                answers[str(props.get("id"))] = answer
    except BaseException:
        unplug(monitor, done)
        raise
    return answers


def unplug(monitor: "Monitor", options: "list[Option]") -> None:
    """Undo what options did, but for devices."""
    from ..qmp import CommandFailed

    for option, props in reversed(options):
        _, undo, name = _COMMANDS[option]
        try:
            if undo and option != "-device":
                monitor.do(undo, {name: props[name]})
        except CommandFailed:
            pass  # it goes with QEMU


def hand_over(monitor: "Monitor", launched: "Launch", options: "list[Option]") -> "list[Option]":
    """Let QEMU have the open files of a launch; in the options they are known by names, not by our numbers."""
    for files in launched.files.values():
        for file in files:
            monitor.give_file(f"file{file}", file)
    for _, props in options if launched.files else ():
        for key in _FILES:
            if key in props:
                props[key] = ":".join(f"file{number}" for number in props[key].split(":"))
    return options


def chardev(text: str) -> "dict[str, Any]":
    """What -chardev says, as chardev-add has it: the kind, then name=value between commas that are not doubled."""
    kind, *parts = (part.replace("\0", ",") for part in text.replace(",,", "\0").split(","))
    told = dict(part.partition("=")[::2] for part in parts)
    id = told.pop("id")
    data = _common(told)
    if kind == "socket":
        data |= _socket(told)
    elif kind == "udp":
        data["remote"] = _inet(told["host"], told["port"])
        if "localaddr" in told:
            data["local"] = _inet(told["localaddr"], told["localport"])
    elif kind == "file":
        data |= {"out": told["path"]} | _switch(told, "append", "append")
    elif kind in ("serial", "parallel", "pipe"):
        data["device"] = told["path"]
    elif kind == "spicevmc":
        data["type"] = told["name"]
    elif kind == "spiceport":
        data["fqdn"] = told["name"]
    elif kind == "qemu-vdagent":
        data |= _switch(told, "clipboard", "clipboard") | _switch(told, "mouse", "mouse")
    elif kind == "dbus":
        data["name"] = told["name"]
    elif kind not in ("null", "pty"):
        raise fail(errors.OPERATION_UNSUPPORTED, f"chardev '{kind}' cannot be plugged in")
    return {"id": id, "backend": {"type": kind, "data": data}}


def _common(told: "dict[str, str]") -> "dict[str, Any]":
    log = {"logfile": told["logfile"]} if "logfile" in told else {}
    return log | _switch(told, "logappend", "logappend")


def _socket(told: "dict[str, str]") -> "dict[str, Any]":
    if "path" in told:
        address = {"type": "unix", "data": {"path": told["path"]}}
    else:
        address = _inet(told["host"], told["port"])
    data: dict[str, Any] = {"addr": address, "server": told.get("server") == "on"} | _switch(told, "wait", "wait")
    data |= _switch(told, "telnet", "telnet")
    if "reconnect" in told:
        data["reconnect"] = int(told["reconnect"])
    if "tls-creds" in told:
        data["tls-creds"] = told["tls-creds"]
    return data


def _inet(host: str, port: str) -> "dict[str, Any]":
    return {"type": "inet", "data": {"host": host, "port": port}}


def _switch(told: "dict[str, str]", name: str, key: str) -> "dict[str, bool]":
    return {key: told[name] == "on"} if name in told else {}
