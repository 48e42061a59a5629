"""Plain values as libvirt reads and writes them: C numbers, sizes with units, UUIDs, MAC addresses, CPU sets, paths.

Every function that reads raises ValueError for text libvirt refuses; callers know which message belongs to it.
"""

from __future__ import annotations

from ..errors import INVALID_ARG, OVERFLOW, virt_error

UINT_MAX = 0xFFFF_FFFF
ULLONG_MAX = 0xFFFF_FFFF_FFFF_FFFF
LLONG_MAX = 0x7FFF_FFFF_FFFF_FFFF
#: One past the highest CPU or NUMA node number libvirt stores (VIR_DOMAIN_CPUMASK_LEN).
CPU_LIMIT = 16384
_SPACES = " \t\n\v\f\r"


def c_int(text: str, base: int = 10, *, low: int, high: int) -> int:
    """A whole number as strtoll reads it (leading blanks, a sign; base 0 knows 0x and 0), within `low`..`high`."""
    digits = text.lstrip(_SPACES)
    sign = -1 if digits[:1] == "-" else 1
    digits = digits[1:] if digits[:1] in ("-", "+") else digits
    if base in (0, 16) and digits[:2] in ("0x", "0X") and len(digits) > 2:
        digits, base = digits[2:], 16
    elif base == 0:
        base = 8 if digits[:1] == "0" and len(digits) > 1 else 10
    if not digits.isascii() or not digits.isalnum():
        raise ValueError(text)
    value = sign * int(digits, base)
    if not low <= value <= high:
        raise ValueError(text)
    return value


def unsigned(text: str, base: int = 10, bits: int = 32) -> int:
    return c_int(text, base, low=0, high=(1 << bits) - 1)


def signed(text: str, base: int = 10, bits: int = 32) -> int:
    return c_int(text, base, low=-(1 << (bits - 1)), high=(1 << (bits - 1)) - 1)


def scaled(number: int, unit: str | None, default: int, limit: int = LLONG_MAX) -> int:
    """`number` of `unit` ("KiB", "MB", "G", "bytes" ...; none means units of `default` bytes) in bytes."""
    suffix = unit or ""
    lower = suffix.lower()
    if not suffix:
        scale = default
    elif lower in ("b", "byte", "bytes"):
        scale = 1
    else:
        power = "kmgtpe".find(lower[0]) + 1
        if not power or lower[1:] not in ("", "ib", "b"):
            raise virt_error(INVALID_ARG, f"unknown suffix '{suffix}'")
        scale = (1000 if lower[1:] == "b" else 1024) ** power
    if number > limit // scale:
        raise virt_error(OVERFLOW, f"value too large: {number}{suffix}")
    return number * scale


def parse_size(text: str, default: int, limit: int = LLONG_MAX) -> int:
    """The bytes of a size as virsh takes it: a whole number with a unit behind it, or of `default` bytes.

    ValueError when it does not begin with a number, VirtError for a unit nobody knows and too much.
    """
    number, unit = split_unit(text)
    return scaled(c_int(number, low=0, high=ULLONG_MAX), unit, default, limit)


def split_unit(text: str) -> tuple[str, str | None]:
    """The number that `text` begins with, as strtol() reads it, and what follows it, None for nothing."""
    start = text.lstrip(_SPACES)
    rest = start[start[:1] in ("+", "-") :].lstrip("0123456789")
    return text[: len(text) - len(rest)], rest or None


def pretty_size(size: int) -> tuple[int, str]:
    """The largest binary unit that divides `size` bytes evenly, with the count of it."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    power = 0
    while size and size % 1024 == 0 and power < len(units) - 1:
        size //= 1024
        power += 1
    return size, units[power]


def parse_uuid(text: str) -> bytes:
    """32 hexadecimal digits; dashes and spaces may stand between pairs."""
    rest = text.strip(_SPACES)
    out = bytearray()
    while len(out) < 16:
        rest = rest.lstrip("- ")
        pair = rest[:2]
        if len(pair) < 2 or not all(c in "0123456789abcdefABCDEF" for c in pair):
            raise ValueError(text)
        out.append(int(pair, 16))
        rest = rest[2:]
    if rest:
        raise ValueError(text)
    return bytes(out)


def format_uuid(uuid: bytes) -> str:
    digits = uuid.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse_mac(text: str) -> bytes:
    """Six hexadecimal numbers of one or two digits between colons."""
    parts = text.split(":")
    if len(parts) != 6 or not all(
        1 <= len(part) <= 2 and all(c in "0123456789abcdefABCDEF" for c in part) for part in parts
    ):
        raise ValueError(text)
    return bytes(int(part, 16) for part in parts)


def format_mac(mac: bytes) -> str:
    return mac.hex(":")


def parse_cpuset(text: str) -> frozenset[int]:
    """A set such as "0-3,^2,7" of numbers below CPU_LIMIT."""
    error = virt_error(INVALID_ARG, f"Failed to parse bitmap '{text}'")
    chosen: set[int] = set()
    parts = text.strip(_SPACES).split(",")
    if len(parts) > 1 and not parts[-1].strip(_SPACES):
        parts.pop()  # a comma at the end is allowed
    for part in parts:
        item = part.strip(_SPACES)
        first, dash, last = item.removeprefix("^").partition("-")
        bounds = [bound.strip(_SPACES) for bound in ((first, last) if dash else (first,))]
        if not all(bound.isascii() and bound.isdigit() and len(bound) < 10 for bound in bounds):
            raise error
        start, end = int(bounds[0]), int(bounds[-1])
        if end < start or end >= CPU_LIMIT or (dash and item.startswith("^")):
            raise error
        if item.startswith("^"):
            chosen.discard(start)
        else:
            chosen.update(range(start, end + 1))
    return frozenset(chosen)


def format_cpuset(numbers: frozenset[int]) -> str:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def sanitize_path(path: str) -> str:
    """`path` without repeated or trailing slashes; URIs stay as they are and exactly two leading slashes keep
    their meaning.
    """
    uri = path.find("://")
    if uri >= 0 and path.find("/") > uri:
        return path
    head = "//" if path.startswith("//") and not path.startswith("///") else ""
    rest = path[len(head) :]
    while "//" in rest:
        rest = rest.replace("//", "/")
    return head + (rest[:-1] if rest.endswith("/") and len(head + rest) > 1 else rest)
