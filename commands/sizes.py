"""Sizes as virsh shows them."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def pretty(size: int, digits: int = 2) -> str:
    """`size` bytes in the largest binary unit of which there is at least one: "1.50 GiB"."""
    power = min(max(size.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    return f"{size / (1 << 10 * power):.{digits}f} {UNITS[power]}"


def volume_size(text: str) -> int:
    """The bytes that `text` says, "10G" or "4096"; libvirt's commands for volumes take no option type for them.

    Raises CommandError.
    """
    from vsh.backends.errors import VirtError
    from vsh.backends.xml.values import ULLONG_MAX, parse_size

    from .errors import CommandError

    try:
        return parse_size(text, 1, ULLONG_MAX)
    except VirtError as error:
        raise CommandError(f"Malformed size {text}", error) from error
    except ValueError:
        raise CommandError(f"Malformed size {text}") from None
