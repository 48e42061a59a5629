"""The steps of a migration, and what is cleaned up when each of them fails."""

from typing import Any

import pytest

from vsh.backends import driver, errors, migration
from vsh.backends.constants import domain as constants
from vsh.backends.errors import VirtError
from vsh.backends.params import STRING, ULLONG, TypedParams
from vsh.backends.records import (
    DomainGetState,
    DomainMigrateBegin3Params,
    DomainMigrateFinish3Params,
    DomainMigratePrepare3Params,
    DomainRef,
)

DOMAIN, MOVED = DomainRef("d", bytes(16), 3), DomainRef("d", bytes(16), 9)
BEGIN, PREPARE, PERFORM, FINISH, CONFIRM = (
    f"domain_migrate_{step}3_params" for step in ("begin", "prepare", "perform", "finish", "confirm")
)
PROTECTED = constants.MIGRATE_CHANGE_PROTECTION


class Daemon:
    """One end of a migration: answers with what it was told to, raises what it was told to, and writes down calls."""

    readonly = False
    session = driver.Connection

    def __init__(self, log: list[tuple[str, Any]], features: set[int], **answers: Any):
        self._log = log
        self._features = features
        self._answers = answers

    def connect_supports_feature(self, feature: int) -> int:
        return int(feature in self._features)

    def domain_get_state(self, domain: Any, flags: int) -> Any:
        return DomainGetState(self._answers.get("state", 1), 0)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            self._log.append((name, args))
            answer = self._answers.get(name)
            if isinstance(answer, VirtError):
                raise answer
            return answer

        return call


class Pair:
    """A source and a destination on which every step succeeds, unless `answers` say otherwise."""

    def __init__(self, features: set[int] | None = None, **answers: Any):
        known = {
            BEGIN: DomainMigrateBegin3Params(b"begin", "<domain/>"),
            PREPARE: DomainMigratePrepare3Params(b"prepare", "tcp:there"),
            PERFORM: b"perform",
            FINISH: DomainMigrateFinish3Params(MOVED, b"finish"),
        } | answers
        can = {4, 5, 7, 12, 13} if features is None else features
        self.log: list[tuple[str, Any]] = []
        self.source: Any = Daemon(self.log, can, **known)
        self.destination: Any = Daemon(self.log, can, **known)

    def migrate(self, flags: int = 0, params: TypedParams | None = None) -> Any:
        return migration.migrate(self.source, DOMAIN, self.destination, params or TypedParams(), flags)

    def fails(self, flags: int = 0) -> VirtError:
        with pytest.raises(VirtError) as caught:
            self.migrate(flags)
        return caught.value

    @property
    def steps(self) -> list[str]:
        return [name for name, _ in self.log]

    def args(self, step: str) -> Any:
        return dict(self.log)[step]


def error(code: int = errors.INTERNAL_ERROR, domain: int = errors.FROM_QEMU, text: str = "broken") -> VirtError:
    return VirtError(code, text, domain=domain)


def test_each_step_hands_its_cookie_to_the_next() -> None:
    pair = Pair()
    flags = constants.MIGRATE_LIVE | constants.MIGRATE_AUTO_CONVERGE | constants.MIGRATE_ABORT_ON_ERROR
    assert pair.migrate(flags) is MOVED
    assert pair.steps == [BEGIN, PREPARE, PERFORM, FINISH, CONFIRM]
    assert pair.args(BEGIN)[2] == flags | PROTECTED
    params, cookie, there = pair.args(PREPARE)
    assert (params["destination_xml"], cookie, there) == ("<domain/>", b"begin", constants.MIGRATE_LIVE)
    _, uri, params, cookie, here = pair.args(PERFORM)
    assert (uri, params["migrate_uri"], cookie, here) == (None, "tcp:there", b"prepare", flags | PROTECTED)
    params, cookie, cancelled, there = pair.args(FINISH)
    assert (params["destination_name"], cookie, cancelled, there) == ("d", b"perform", 0, constants.MIGRATE_LIVE)
    assert pair.args(CONFIRM)[2:] == (b"finish", 0, flags | PROTECTED)


def test_parameters_of_the_user_travel_along() -> None:
    pair = Pair()
    params = TypedParams().add("destination_name", STRING, "new").add("destination_xml", STRING, "<mine/>")
    pair.migrate(0, params.add("bandwidth", ULLONG, 5).add("migrate_uri", STRING, "tcp:wanted"))
    assert pair.args(BEGIN)[1]["destination_xml"] == "<mine/>"
    assert list(pair.args(FINISH)[0]) == [
        "destination_name",
        "bandwidth",
        "destination_xml",
        "migrate_uri",
    ]
    assert pair.args(FINISH)[0]["migrate_uri"] == "tcp:there" and pair.args(FINISH)[0]["destination_name"] == "new"


def test_a_paused_domain_stays_paused() -> None:
    pair = Pair(state=constants.DOMAIN_PAUSED)
    pair.migrate()
    assert pair.args(PREPARE)[2] == pair.args(FINISH)[3] == constants.MIGRATE_PAUSED


def test_what_broke_after_its_switch_is_paused_for_no_other_reason() -> None:
    pair = Pair(state=constants.DOMAIN_PAUSED)
    pair.migrate(constants.MIGRATE_POSTCOPY_RESUME)
    assert pair.args(PREPARE)[2] == constants.MIGRATE_POSTCOPY_RESUME


def test_nothing_to_clean_up_when_it_does_not_begin() -> None:
    pair = Pair(**{BEGIN: error()})
    assert pair.fails().message == "broken" and pair.steps == [BEGIN]


def test_a_failed_preparation_is_cancelled_on_the_source_where_begin_started_a_job() -> None:
    pair = Pair(**{PREPARE: error(), CONFIRM: error(text="confirm")})
    assert pair.fails().message == "broken" and pair.steps == [BEGIN, PREPARE, CONFIRM]
    assert pair.args(CONFIRM)[2:] == (b"", 1, PROTECTED)
    pair = Pair({13}, **{PREPARE: error()})
    pair.fails()
    assert pair.steps == [BEGIN, PREPARE]


def test_without_a_uri_it_is_cancelled_on_both_sides() -> None:
    pair = Pair(**{PREPARE: DomainMigratePrepare3Params(b"prepare", None), FINISH: error(errors.MIGRATE_FINISH_OK)})
    assert "did not set uri" in pair.fails().message and pair.steps == [BEGIN, PREPARE, FINISH, CONFIRM]
    assert pair.args(FINISH)[1:3] == (b"prepare", 1) and pair.args(CONFIRM)[3] == 1


def test_who_cannot_perform_needs_no_confirmation() -> None:
    pair = Pair(**{PERFORM: error(errors.OPERATION_FAILED), FINISH: error(errors.MIGRATE_FINISH_OK, text="cleaned up")})
    assert pair.fails().message == "broken" and pair.steps == [BEGIN, PREPARE, PERFORM, FINISH]
    assert pair.args(FINISH)[1:3] == (b"", 1)


@pytest.mark.parametrize(
    ("performing", "finishing", "told"),
    [
        (error(errors.OPERATION_FAILED), error(text="QEMU died"), "QEMU died"),
        (error(errors.INTERNAL_ERROR), error(text="QEMU died"), "broken"),
        (error(errors.OPERATION_FAILED, errors.FROM_RPC), error(text="QEMU died"), "broken"),
        (error(errors.OPERATION_FAILED), error(domain=errors.FROM_RPC, text="gone"), "broken"),
    ],
)
def test_the_destination_may_know_better(performing: VirtError, finishing: VirtError, told: str) -> None:
    assert Pair(**{PERFORM: performing, FINISH: finishing}).fails().message == told


def test_the_source_resumes_what_cannot_be_finished() -> None:
    pair = Pair(**{FINISH: error()})
    assert pair.fails().message == "broken" and pair.steps == [BEGIN, PREPARE, PERFORM, FINISH, CONFIRM]
    assert pair.args(CONFIRM)[2:] == (b"", 1, PROTECTED)


def test_a_failed_confirmation_changes_nothing() -> None:
    assert Pair(**{CONFIRM: error()}).migrate() is MOVED


def test_offline_nothing_is_performed() -> None:
    pair = Pair()
    pair.migrate(constants.MIGRATE_OFFLINE)
    assert pair.steps == [BEGIN, PREPARE, FINISH, CONFIRM] and pair.args(FINISH)[1:3] == (b"", 0)


def test_refusals() -> None:
    for features, flags, told in (
        ({7, 13}, constants.MIGRATE_OFFLINE, "offline migration is not supported by the source host"),
        ({13}, PROTECTED, "cannot enforce change protection"),
        (set[int](), 0, "virDomainMigrate3"),
        (None, constants.MIGRATE_PEER2PEER, "use virDomainMigrateToURI3"),
        (None, constants.MIGRATE_TUNNELLED, "without using peer2peer flag"),
        (None, constants.MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES, "is required by flag"),
    ):
        pair = Pair(features)
        assert told in pair.fails(flags).message and pair.steps == []
    pair = Pair()
    pair.destination.readonly = True
    assert "read only access prevents virDomainMigrate3" in pair.fails().message


def test_the_source_alone() -> None:
    peer = constants.MIGRATE_PEER2PEER
    for features, uri, flags, told in (
        (set[int](), "qemu+tcp://there/system", peer, "p2p migration is not supported"),
        (set[int](), "tcp:there", 0, "direct migration is not supported"),
        (None, "qemu:///system", peer, "to the same host"),
        (None, "qemu+unix:///system", peer, "to the same host"),
        (None, "qemu+tcp://localhost/system", peer, "to the same host"),
        (None, "tcp:x", peer | constants.MIGRATE_TUNNELLED | constants.MIGRATE_PARALLEL, "mutually exclusive"),
    ):
        pair = Pair(features)
        with pytest.raises(VirtError, match=told):
            migration.migrate_to_uri(pair.source, DOMAIN, uri, TypedParams(), flags)
        assert pair.steps == []
    pair = Pair()
    migration.migrate_to_uri(pair.source, DOMAIN, "qemu+unix:///system?socket=/proxy", TypedParams(), peer)
    pair.log.clear()
    migration.migrate_to_uri(pair.source, DOMAIN, "qemu+tcp://there/system", TypedParams(), peer)
    assert pair.log == [(PERFORM, (DOMAIN, "qemu+tcp://there/system", TypedParams(), b"", peer))]
    migration.migrate_to_uri(pair.source, DOMAIN, "tcp:there", TypedParams(), 0)
    assert pair.log[1] == (PERFORM, (DOMAIN, None, TypedParams(), b"", 0))
