"""Answers that no daemon here gives: both programs talk to a fake daemon, which also notes what it was asked."""

import subprocess
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.libvirt.fake import FakeDaemon
from tests.live.side import Run, Side, compare
from vsh.backends import errors, procedures
from vsh.backends.records import DomainRef
from vsh.backends.rpc.codec import codec
from vsh.backends.rpc.frame import Message

DOMAIN = DomainRef("test", bytes(16), 1)
#: What connecting and finding the domain takes.
BASIC = {
    "connect_get_type": "QEMU",
    "connect_register_close_callback": None,
    "connect_unregister_close_callback": None,
    "domain_is_active": 1,
    "domain_is_persistent": 1,
    "domain_lookup_by_name": DOMAIN,
}


class Talk(NamedTuple):
    """What a program showed, and the calls it made."""

    run: Run
    calls: list[tuple[str, list[Any]]]


def same(side: Side, answers: Mapping[str, Any], *commands: str) -> Talk:
    """Assert that virsh and vsh, given `answers` (results by call), show the same and ask the same; virsh's talk."""
    wanted, seen = (_talk(side, program, answers, commands) for program in (["virsh"], side.program))
    difference = compare(wanted.run, seen.run)
    assert not difference, f"{'; '.join(commands)}\n{difference}"
    assert seen.calls == wanted.calls
    return wanted


def _talk(side: Side, program: list[str], answers: Mapping[str, Any], commands: tuple[str, ...]) -> Talk:
    given = {**BASIC, **answers}
    calls: list[tuple[str, list[Any]]] = []

    def answer(daemon: FakeDaemon, message: Message) -> None:
        name = daemon.seen[-1]
        if name not in given:
            daemon.peer.fail(message, errors.no_support(name))
        else:
            daemon.reply(message, given[name])
        if name not in BASIC:
            calls.append((name, codec(procedures.lookup(name)).decode_args(message.payload)))

    with FakeDaemon(answer) as daemon:
        argv = [*program, "-c", daemon.uri, "; ".join(commands)]
        done = subprocess.run(argv, env=side.env, capture_output=True, text=True, timeout=30, check=False)
    return Talk(Run(done.stdout, done.stderr, done.returncode), calls)
