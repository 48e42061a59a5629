"""Streams: bytes that travel beside calls (consoles, volumes, screenshots)."""

from . import errors


class Stream:
    """One open stream.

    All methods block; with `timeout` (seconds) they raise VirtError(OPERATION_TIMEOUT) when it passes. Any thread may
    call; one may receive while another sends. `finish()` waits for the other side's agreement and raises its error,
    `abort()` ends at once; after either every other method raises VirtError(INVALID_STREAM). Buffers are bounded: a
    sender waits for the receiver.
    """

    def recv(self, size: int, timeout: "float | None" = None) -> "bytes | None":
        """Up to `size` bytes; b"" at the end of the stream; None when a hole comes next."""
        raise NotImplementedError

    def send(self, data: bytes, timeout: "float | None" = None) -> None:
        """Send all of `data`."""
        raise NotImplementedError

    def recv_hole(self, timeout: "float | None" = None) -> int:
        """The length in bytes of the hole that comes next; 0 when data or the end does."""
        raise NotImplementedError

    def send_hole(self, length: int, timeout: "float | None" = None) -> None:
        """Say that the next `length` bytes are zeroes that need not be stored."""
        raise NotImplementedError

    def finish(self, timeout: "float | None" = None) -> None:
        """End a stream that was carried to its end.

        Raises the other side's error, if it has one.
        """
        raise NotImplementedError

    def abort(self) -> None:
        """End a stream early; harmless when it has ended."""
        raise NotImplementedError


def not_open() -> errors.VirtError:
    """The error of whoever goes on with a stream that has ended."""
    return errors.virt_error(errors.INVALID_STREAM, "stream is not open", domain=errors.FROM_STREAMS)
