"""libvirt's configuration files (libvirt.conf, qemu.conf ...).

They hold `name = value` lines and `#` comments; values are numbers, strings and lists of strings.
"""

from . import errors

Value = int | str | list[str]


def read_conf(path: str) -> dict[str, Value]:
    """The settings of the file at `path`, in order.

    Raises VirtError: OPEN_FAILED when it cannot be read, CONF_SYNTAX with file, line and what was expected there.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(10 << 20)
    except OSError as error:
        raise errors.virt_error(errors.OPEN_FAILED, f"'{path}': {error.strerror}") from None
    return parse_conf(path, text)


def parse_conf(path: str, text: str) -> dict[str, Value]:
    """The settings of a file that has been read; `path` names it in errors. Raises VirtError(CONF_SYNTAX)."""
    return _Parser(path, text).settings()


class _Parser:
    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.at = 0

    def fail(self, what: str) -> errors.VirtError:
        line = self.text.count("\n", 0, self.at) + 1
        return errors.virt_error(errors.CONF_SYNTAX, f"{self.path}:{line}: {what}")

    def skip(self, blank: str) -> None:
        while self.at < len(self.text):
            if self.text[self.at] == "#" and "\n" in blank:
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in blank:
                self.at += 1
            else:
                return

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def settings(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        self.skip(" \t\r\n;")
        while self.peek():
            start = self.at
            while self.peek().isalnum() or self.peek() in ("_", "-", "."):
                self.at += 1
            name = self.text[start : self.at]
            if not name:
                raise self.fail("expecting a name")
            self.skip(" \t")
            if self.peek() != "=":
                raise self.fail("expecting an assignment")
            self.at += 1
            self.skip(" \t")
            found[name] = self.value()
            self.skip(" \t\r")
            if self.peek() not in ("", "\n", "#", ";"):
                raise self.fail("expecting a separator")
            self.skip(" \t\r\n;")
        return found

    def value(self) -> Value:
        if self.peek() == "[":
            return self.items()
        if self.peek() in ("'", '"'):
            return self.string()
        start = self.at
        if self.peek() in ("-", "+"):
            self.at += 1
        while self.peek().isdigit():
            self.at += 1
        try:
            return int(self.text[start : self.at])
        except ValueError:
            raise self.fail("expecting a value") from None

    def items(self) -> list[str]:
        self.at += 1
        found: list[str] = []
        while True:
            self.skip(" \t\r\n")
            if self.peek() == "]":
                self.at += 1
                return found
            if self.peek() not in ("'", '"'):
                raise self.fail("expecting a string in the list")
            found.append(self.string())
            self.skip(" \t\r\n")
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise self.fail("expecting a separator in list")

    def string(self) -> str:
        quote = self.peek()
        if self.text.startswith('"""', self.at):
            quote = '"""'
        start = self.at + len(quote)
        end = self.text.find(quote, start)
        if end < 0 or (quote != '"""' and "\n" in self.text[start:end]):
            raise self.fail("unterminated string")
        self.at = end + len(quote)
        return self.text[start:end]
