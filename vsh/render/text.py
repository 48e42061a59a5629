"""Text from elsewhere on its way to a terminal."""

from unicodedata import category


def harmless(text: str) -> str:
    """`text` without what would steer the terminal: control characters, bytes that are no text and marks that turn the
    direction of writing become \\xNN or \\uNNNN; line ends and tabs stay."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(char if char in "\n\t" or not _steers(char) else _escaped(char) for char in text)


def _steers(char: str) -> bool:
    return char != "\N{ZERO WIDTH JOINER}" and category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
