"""What comes with QEMU describes itself: JSON files of firmware and of programs that serve guests.

One of a folder nearer to the user takes the place of that of the same name in those before it; an empty one hides it.
(QEMU's docs/interop/firmware.json and vhost-user.json.)
"""

import json

from ... import errors
from ..base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...hosts import Host

FOLDERS = ("/usr/share/qemu", "/etc/qemu")


def read_all(host: "Host", kind: str, wanted: "tuple[str, ...]") -> "list[dict[str, Any]]":
    """Those of a kind (firmware, vhost-user), by their names. Raises VirtError for one that lacks a part."""
    uid, environ = host.me()
    folders = list(FOLDERS)
    if uid != 0:
        home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME') or ''}/.config"
        folders.append(f"{home}/qemu")
    texts: dict[str, tuple[str, bytes]] = {}
    for folder in folders:
        found = host.read_all(f"{folder}/{kind}", ".json")
        texts |= {name: (f"{folder}/{kind}/{name}", text) for name, text in found.items()}
    return [_read(*texts[name], wanted) for name in sorted(texts) if texts[name][1]]


def _read(path: str, text: bytes, wanted: "tuple[str, ...]") -> "dict[str, Any]":
    try:
        descriptor: dict[str, Any] = json.loads(text)
        for part in wanted:
            descriptor[part]
    except (ValueError, KeyError, TypeError):
        raise fail(errors.INTERNAL_ERROR, f"unable to parse descriptor '{path}'") from None
    return descriptor
