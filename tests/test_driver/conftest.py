"""Two hosts side by side: ours in this process, libvirt's behind a daemon; every call goes to both."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live.fresh import await_fresh
from tests.live.libvirtd import Libvirtd
from vsh.backends import api
from vsh.backends.errors import VirtError


class Both:
    """Makes each call on both hosts and asserts that they do the same.

    ours, theirs: the connections.  scrub: what to make equal in results first, by call.
    """

    def __init__(self, ours: api.Connection, theirs: api.Connection) -> None:
        self.ours, self.theirs = ours, theirs
        self.scrub: dict[str, Callable[[Any], Any]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            wanted, seen = self._outcome(self.theirs, name, args), self._outcome(self.ours, name, args)
            change = self.scrub.get(name, lambda value: value)
            if isinstance(wanted, VirtError) or isinstance(seen, VirtError):
                assert told(seen) == told(wanted), f"{name}{args}"
            else:
                alike = refs_equal(change(seen), change(wanted))
                assert alike, f"{name}{args}: not {wanted!r}, but {seen!r}"
            return seen

        return call

    def _outcome(self, conn: api.Connection, name: str, args: tuple[Any, ...]) -> Any:
        try:
            return getattr(conn, name)(*args)
        except VirtError as error:
            return error


def told(outcome: Any) -> Any:
    """An error as (code, text).

    For a file that is too short libvirt adds what its thread last failed at, whatever that was.
    """
    if not isinstance(outcome, VirtError):
        return outcome
    text = outcome.message
    return outcome.code, text.rpartition(": ")[0] if text.startswith(("incomplete ", "failed to read")) else text


def refs_equal(seen: Any, wanted: Any) -> bool:
    """References compare by identity; here names and ids must be the same as well."""
    if isinstance(wanted, tuple):
        return len(seen) == len(wanted) and all(refs_equal(a, b) for a, b in zip(seen, wanted, strict=True))
    return bool(seen == wanted)


@pytest.fixture
def both(libvirtd: Libvirtd) -> Iterator[Both]:
    await_fresh(libvirtd.uri("test"))
    ours, theirs = api.open("test:///default"), api.open(libvirtd.uri("test"))
    both = Both(ours, theirs)
    both.scrub["domain_get_info"] = lambda info: info._replace(cpu_time=0)
    yield both
    ours.close()
    theirs.close()
