"""The user's own file, $XDG_CONFIG_HOME/vsh/vsh.toml: connections with names and tags, and settings.

    agent_idle = 600              # seconds after which the agent closes a connection that nobody uses

    [hosts.web1]
    uri = "qemu+ssh://root@web1.example.com/system"
    tags = ["prod", "web"]
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saved:
    """A saved connection."""

    def __init__(self, name: str, uri: str, tags: "tuple[str, ...]"):
        self.name = name
        self.uri = uri
        self.tags = tags


def path() -> str:
    """Where the file is, or would be."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.environ.get("HOME", "/"), ".config")
    return os.path.join(home, "vsh", "vsh.toml")


def read() -> "dict[str, Any]":
    """What the file says; nothing where there is none. Raises ValueError with place and fault for a broken one."""
    try:
        with open(path(), "rb") as file:
            import tomllib

            settings = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path()}: {getattr(error, 'strerror', None) or error}") from None
    _known(settings, ("agent_idle", "hosts"), "")
    idle = settings.get("agent_idle", 1)
    if isinstance(idle, bool) or not isinstance(idle, (int, float)) or idle < 0:
        raise ValueError(f"{path()}: agent_idle is not a number of seconds")
    return settings


def hosts() -> "dict[str, Saved]":
    """The saved connections by name, in the file's order. Raises ValueError for a broken file."""
    found = {}
    for name, entry in _table(read().get("hosts", {}), "hosts").items():
        entry = _table(entry, f"hosts.{name}")
        _known(entry, ("uri", "tags"), f"hosts.{name}.")
        uri, tags = entry.get("uri"), entry.get("tags", [])
        if not isinstance(uri, str) or not uri:
            raise ValueError(f"{path()}: hosts.{name} has no uri")
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise ValueError(f"{path()}: the tags of hosts.{name} are not a list of texts")
        if not name or not all(c.isalnum() or c in "_-." for c in name):
            raise ValueError(f"{path()}: '{name}' cannot name a connection: use letters, digits, '_', '-' and '.'")
        found[name] = Saved(name, uri, tuple(tags))
    return found


def _known(table: "dict[str, Any]", keys: "tuple[str, ...]", place: str) -> None:
    for key in table:
        if key not in keys:
            raise ValueError(f"{path()}: there is no setting '{place}{key}': use {' or '.join(keys)}")


def _table(value: "Any", place: str) -> "dict[str, Any]":
    if not isinstance(value, dict):
        raise ValueError(f"{path()}: {place} is not a table")
    return value
