"""One round trip for a lookup and the question that follows it.

A shell looks an object up by its name in every command. What a name led to before it is presumed to lead to again: the
lookup is sent together with the question that follows it, and what it leads to now is compared before anybody gets the
answer to the question. Nothing that could change anything is sent before that. Where a name leads elsewhere by now,
Outdated is raised, and the command is run again from its beginning.
"""

import _thread

from ..errors import Outdated, VirtError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .channel import Call

    Question = tuple[str, tuple[Any, ...]]
    Start = Callable[[Question], Call]
    Finish = Callable[[Call], Any]
    #: Does calls together, and the last argument when all are on their way.
    Batch = Callable[[Sequence[Question], Callable[[], None]], list[Any]]

#: How many names are remembered.
MANY = 4096


def is_lookup(name: str) -> bool:
    """Whether the call finds an object by its name or the like."""
    return "_lookup_by_" in name


def is_question(name: str) -> bool:
    """Whether the call changes nothing, so that it may be made in vain; what is told of a job may be told once."""
    return any(verb in name for verb in ("_get_", "_is_", "_has_")) and name != "domain_get_job_stats"


class Lookups:
    """What the lookups of a connection led to; the arguments are how it makes calls."""

    def __init__(self, start: "Start", finish: "Finish", batch: "Batch"):
        self._start, self._finish, self._batch = start, finish, batch
        self._known: dict[Question, Any] = {}
        self._presumed: list[tuple[Call, Question]] = []
        self._presuming = False
        self._lock = _thread.RLock()

    def presume(self) -> None:
        """Begin to presume; the first call that is no lookup ends that."""
        self._presuming = True

    def batch(self, calls: "Sequence[Question]") -> "list[Any]":
        """As Connection.batch. Raises Outdated."""
        lookups = [call for call in calls if is_lookup(call[0])]
        if self._presuming and len(lookups) == len(calls) and all(call in self._known for call in lookups):
            self._presumed += [(self._start(call), call) for call in lookups]
            return [self._known[call] for call in lookups]
        self._presuming = False
        if not all(is_question(name) for name, _ in calls):
            self.settle()
        answers = self._batch(calls, self.settle)
        if len(self._known) > MANY:
            self._known.clear()
        for call, answer in zip(calls, answers, strict=True):
            if call in lookups and not isinstance(answer, VirtError):
                self._known[call] = answer
        return answers

    def settle(self) -> None:
        """Compare what was presumed with what came. Raises Outdated where they differ."""
        self._presuming = False
        with self._lock:  # Nobody goes on while another thread still compares.
            while self._presumed:
                call, question = self._presumed.pop()
                try:
                    found = tuple(self._finish(call))  # References are equal whatever their id is.
                except VirtError:
                    found = ()
                if found != tuple(self._known.get(question, ())):
                    self._known.clear()
                    self._presumed.clear()
                    raise Outdated
