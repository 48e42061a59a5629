"""Files that commands read on the user's side."""

import os

from .declare import Data, Flag
from .errors import CommandError

#: The largest XML file virsh reads, in bytes.
LIMIT = 10 * 1024 * 1024
#: An option of commands that give XML to the host.
VALIDATE = Flag("validate", "refuse XML that does not match libvirt's schema")


def xml_file(what: str) -> Data:
    """The word that names a file with the XML of `what`."""
    return Data("file", f"a file with the {what}'s XML")


def read_file(path: str, limit: int = LIMIT) -> str:
    """The text of a file; bytes that are not UTF-8 are kept as surrogates.

    Raises CommandError when it cannot be read or has more than `limit` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise CommandError(f"Failed to open file '{path}': {error.strerror}") from error
    parts, size = [], 0
    try:
        while size <= limit and (part := os.read(descriptor, limit + 1 - size)):
            parts.append(part)
            size += len(part)
    except OSError as error:
        raise CommandError(f"Failed to read file '{path}': {error.strerror}") from error
    finally:
        os.close(descriptor)
    if size > limit:
        raise CommandError(
            f"Failed to read file '{path}': Value too large for defined data type",
            hint=f"it may have {limit} bytes",
        )
    return b"".join(parts).decode("utf-8", "surrogateescape")
