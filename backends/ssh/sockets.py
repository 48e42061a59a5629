"""Unix sockets over there, whatever the SSH server allows."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket

    from . import AnyLink

#: What joins our end to a unix socket over there; nc without -q would stay when we are gone.
JOINER = (
    '[ -S "$0" ] || exit 111; '
    'if nc -q 2>&1 | grep -q "requires an argument"; then exec nc -q 0 -U "$0"; '
    'elif command -v nc >/dev/null; then exec nc -U "$0"; '
    'elif command -v socat >/dev/null; then exec socat - UNIX-CONNECT:"$0"; '
    'else echo "neither nc nor socat is installed" >&2; exit 127; fi'
)
#: Says 1 when somebody listens there, for a program that joins us tells too late that nobody does.
CHECK = (
    '[ -S "$0" ] && if command -v nc >/dev/null; then nc -z -U "$0"; else socat -u /dev/null UNIX-CONNECT:"$0"; fi '
    "</dev/null >/dev/null 2>&1 && echo 1; "
)


def joiner(path: str) -> "list[str]":
    """The program that is joined to the unix socket at `path`."""
    return ["sh", "-c", JOINER, path]


def open_unix(link: "AnyLink", path: str) -> "Socket":
    """A socket whose other end is the unix socket `path` over there: by the server itself, else by a program.

    Raises OSError.
    """
    try:
        return link.open_unix(path)
    except ConnectionResetError:
        raise
    except OSError as error:
        # Either nobody listens there, or the server does not do that: the program can tell.
        program = link.start(["sh", "-c", CHECK + JOINER, path])
        program.socket.settimeout(link.timeout)
        if program.socket.recv(2) == b"1\n":
            program.socket.settimeout(None)
            return program.socket
        program.socket.close()
        raise error
