"""Running the host's programs on storage, with errors in libvirt's words."""

from ... import errors
from .pools import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...hosts import Finished, Host


def run(host: "Host", argv: "Sequence[str]", stdin: bytes = b"") -> bytes:
    """What a program says; raises INTERNAL_ERROR with its words when it fails, SYSTEM_ERROR when there is none.

    Libvirt's text has the program's path.
    """
    done = _done(host, argv, stdin)
    if done.status:
        shown = " ".join([f"/usr/bin/{argv[0]}" if "/" not in argv[0] else argv[0], *argv[1:]])
        said = (done.stderr or done.stdout).decode("utf-8", "replace")
        ended = f"exit status {done.status}" if done.status > 0 else f"fatal signal {-done.status}"
        raise fail(errors.INTERNAL_ERROR, f"Child process ({shown}) unexpected {ended}: {said}")
    return done.stdout


def attempt(host: "Host", argv: "Sequence[str]", what: str) -> None:
    """Run a program that does one thing; raises SYSTEM_ERROR for `what` with the reason it gives."""
    done = _done(host, argv, b"")
    if done.status:
        reason = done.stderr.decode("utf-8", "replace").strip().rpartition(": ")[2]
        raise errors.virt_error(errors.SYSTEM_ERROR, f"{what}: {reason}", domain=errors.FROM_STORAGE)


def system_error(error: OSError, what: str) -> errors.VirtError:
    """The error for a failed access, as libvirt words it."""
    return errors.virt_error(errors.SYSTEM_ERROR, f"{what}: {error.strerror or error}", domain=errors.FROM_STORAGE)


def _done(host: "Host", argv: "Sequence[str]", stdin: bytes) -> "Finished":
    try:
        return host.run(argv, stdin)
    except FileNotFoundError:
        text = f"Cannot find '{argv[0]}' in path: No such file or directory"
        raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_STORAGE) from None
