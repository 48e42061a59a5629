"""The terminal key by key: joined to a byte stream, as `console` does, or asked for one key."""

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Mapping

from .backends.errors import VirtError
from .backends.streams import Stream
from .commands.errors import CommandError


def escape_byte(escape: str) -> bytes:
    """The byte that ends a console: `^]` is Control-], a single character stands for itself."""
    return bytes([ord(escape[1].upper()) ^ 0x40]) if len(escape) == 2 else escape.encode()


def interact(stream: Stream, escape: str) -> None:
    """Copy bytes both ways until the escape character is typed or the stream ends.

    The terminal is raw meanwhile and restored whatever happens. Raises CommandError when the stream or the terminal
    breaks.
    """
    stdin, stdout = sys.stdin.fileno(), sys.stdout.fileno()
    ended_r, ended_w = os.pipe()
    failure: list[VirtError] = []

    def receive() -> None:
        try:
            while data := stream.recv(65536):
                view = memoryview(data)
                while view:
                    view = view[os.write(stdout, view) :]
        except VirtError as error:
            failure.append(error)
        finally:
            os.write(ended_w, b".")

    saved = termios.tcgetattr(stdin)
    signals = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
    }
    reader = threading.Thread(target=receive, name="vsh-console", daemon=True)
    try:
        tty.setraw(stdin, termios.TCSADRAIN)  # and not TCSAFLUSH: what was typed meanwhile is meant for the guest
        reader.start()
        left = _send(stream, stdin, ended_r, escape_byte(escape))
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, saved)
        for number, handler in signals.items():
            signal.signal(number, handler)
        if reader.is_alive():
            stream.abort()
            reader.join(5)
        if not reader.is_alive():
            os.close(ended_r)
            os.close(ended_w)
    if failure and not left:
        raise CommandError("", failure[0])


def _send(stream: Stream, stdin: int, ended: int, escape: bytes) -> bool:
    """Send what is typed; True when the user left, False when the stream ended."""
    while True:
        ready, _, _ = select.select([stdin, ended], [], [])
        if ended in ready:
            return False
        typed = os.read(stdin, 4096)
        if not typed:
            raise CommandError("EOF on stdin")
        before, found, _ = typed.partition(escape)
        if before:
            stream.send(before)
        if found:
            return True


def choose(question: str, answers: Mapping[str, str]) -> str | None:
    """Ask until one of the keys of `answers` is typed, `?` explaining them; None at the end of input."""
    stdin = sys.stdin.fileno()
    keys = [*answers, "?"]
    explained = [*(f"{key} - {text}" for key, text in answers.items()), "? - print this help"]
    saved = termios.tcgetattr(stdin)
    try:
        tty.setraw(stdin, termios.TCSADRAIN)
        while True:
            sys.stdout.write(f"\r{question} [{','.join(keys)}]: ")
            sys.stdout.flush()
            typed = os.read(stdin, 1).decode("ascii", "replace").lower()
            if typed in answers or not typed:
                return typed or None
            if typed == "?":
                sys.stdout.write("".join(f"\r\n{line}" for line in explained) + "\r\n")
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, saved)
        sys.stdout.write("\r\n")
        sys.stdout.flush()


def ask_secret(question: str) -> str:
    """Ask on standard output, and read the answer unseen from the terminal, or else from standard input.

    The end of input is an empty answer.
    """
    sys.stdout.write(question)
    sys.stdout.flush()
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return sys.stdin.readline().removesuffix("\n")
    from getpass import getpass

    try:
        return getpass("")
    except EOFError:
        return ""
