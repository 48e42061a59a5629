"""Tap devices of this machine (linux/if_tun.h): their files are handed to whoever sends and receives frames."""

import fcntl
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TUN = "/dev/net/tun"
TUNSETIFF, TUNGETIFF = 0x400454CA, 0x800454D2
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x0002, 0x1000, 0x4000, 0x0100
#: struct ifreq: a name of up to 15 bytes, flags
_REQUEST = struct.Struct("16sH22x")


def open_tap(name: str, queues: int) -> "tuple[str, list[int]]":
    """The name and the files of a tap device, one for each queue; it is made if it is missing, and then goes with its
    last file. A "%d" in `name` lets the kernel choose a number.

    Raises OSError.
    """
    flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if queues > 1 else 0)
    files: list[int] = []
    try:
        for _ in range(queues):
            files.append(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
            answer = fcntl.ioctl(files[-1], TUNSETIFF, _REQUEST.pack(name.encode(), flags))
            name = _name(answer)
    except BaseException:
        close(files)
        raise
    return name, files


def receive_tap(argv: "Sequence[str]") -> "tuple[str, int]":
    """The name and the file of a tap device that a program hands over through the socket `--fd`.

    Raises OSError with the program's words when it does not.
    """
    import socket
    import subprocess

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours:
        with theirs:
            number = theirs.fileno()
            program = subprocess.Popen(
                [*argv, f"--fd={number}"], pass_fds=[number], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        said = program.communicate()[1].decode("utf-8", "replace").strip()
        files = [] if program.returncode else socket.recv_fds(ours, 1, 1)[1]
    if not files:
        raise OSError(0, said or f"{argv[0]} handed no file over")
    os.set_inheritable(files[0], False)
    return _name(fcntl.ioctl(files[0], TUNGETIFF, _REQUEST.pack(b"", 0))), files[0]


def close(files: "list[int]") -> None:
    for file in files:
        os.close(file)


def _name(answer: bytes) -> str:
    return bytes(_REQUEST.unpack(answer)[0]).rstrip(b"\0").decode()
