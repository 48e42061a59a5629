"""The prompt's history, in virsh's file and form: a line for each line typed."""

import os
from collections.abc import Callable, Iterable

from prompt_toolkit.history import History


class LineHistory(History):
    """Keeps the newest `limit` lines in `path`, which only the user can read.

    Lines for which `secret` is true are not kept. Where the file cannot be had the history lasts as long as the shell.
    """

    def __init__(self, path: str, limit: int, secret: Callable[[str], bool]):
        super().__init__()
        self.path = path
        self.limit = limit
        self.secret = secret

    def load_history_strings(self) -> Iterable[str]:
        return reversed(self._lines())

    def append_string(self, string: str) -> None:
        if string.strip() and not self.secret(string):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        one = string.replace("\n", "; ")
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{one}\n")
        except OSError:
            pass

    def trim(self) -> None:
        """Shorten the file to the newest lines; a file of another process's making is replaced whole or not at all."""
        lines = self._lines()
        if len(lines) <= self.limit:
            return
        try:
            descriptor = os.open(f"{self.path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write("".join(f"{line}\n" for line in lines[len(lines) - self.limit :]))
            os.replace(f"{self.path}.new", self.path)
        except OSError:
            pass

    def _lines(self) -> list[str]:
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read().splitlines()
        except OSError:
            return []


def history_path() -> str:
    """Where virsh keeps its history too."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/"), ".cache")
    return os.path.join(cache, "libvirt", "virsh", "history")
