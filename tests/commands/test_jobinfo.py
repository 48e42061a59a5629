"""domjobinfo with every statistic there is, and answers of a guest's agent."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.commands.answering import Answering
from tests.commands.conftest import Host
from tests.live.nursery import Nursery
from tests.live.side import Side
from vsh.backends.errors import NO_SUPPORT, virt_error
from vsh.backends.params import BOOLEAN, DOUBLE, INT, STRING, ULLONG, TypedParams
from vsh.backends.records import DomainGetJobInfo, DomainGetJobStats

SIZES = ("data", "memory", "disk")
NUMBERS = (
    *("time_elapsed", "time_elapsed_net", "time_remaining"),
    *(f"{what}_{part}" for what in SIZES for part in ("processed", "remaining", "total")),
    *(
        "memory_bps",
        "memory_dirty_rate",
        "memory_page_size",
        "memory_iteration",
        "memory_postcopy_requests",
        "disk_bps",
    ),
    *("memory_constant", "memory_normal", "memory_normal_bytes", "downtime", "downtime_net", "setup_time"),
    *("compression_cache", "compression_bytes", "compression_pages", "compression_cache_misses"),
    *("compression_overflow", "disk_temp_used", "disk_temp_total"),
)


def everything(operation: int = 5) -> TypedParams:
    params = TypedParams().add("operation", INT, operation)
    for i, name in enumerate(NUMBERS):
        params.add(name, ULLONG, 3 ** (i + 1))
    params.add("auto_converge_throttle", INT, 20).add("success", BOOLEAN, True).add("errmsg", STRING, "no luck")
    return params.add("some_new_one", DOUBLE, 1.5)


@pytest.fixture
def daemon(side: Side) -> Iterator[Callable[..., Host]]:
    """daemon(calls=answers): a host that gives these answers, and knows the domain `box`."""
    started: list[Answering] = []
    with Nursery() as nursery:

        def start(**answers: Any) -> Host:
            known = {"domain_lookup_by_name": ("box", bytes(range(16)), 3), **answers}
            started.append(Answering(nursery.directory / str(len(started)), "qemu+unix:///system", known))
            return Host(side, started[-1].uri)

        yield start
        for one in started:
            one.close()


@pytest.mark.parametrize("kind", range(7))
def test_every_kind_of_job(daemon: Callable[..., Host], kind: int) -> None:
    host = daemon(domain_get_job_stats=DomainGetJobStats(kind, everything(kind * 2)))
    options = ("", "--completed", "--completed --keep-completed", "--anystats", "--rawstats")
    host.same(*(f"domjobinfo box {more}" for more in options))


def test_figures_that_are_zero_or_missing(daemon: Callable[..., Host]) -> None:
    zero = TypedParams((name, ULLONG, 0) for name in NUMBERS)
    for params in (TypedParams(), zero, TypedParams(zero.items).add("operation", INT, 99)):
        daemon(domain_get_job_stats=DomainGetJobStats(1, params)).same("domjobinfo box", "domjobinfo box --rawstats")
    one = TypedParams((name, ULLONG, int(name in ("memory_total", "disk_total"))) for name in NUMBERS)
    daemon(domain_get_job_stats=DomainGetJobStats(2, one)).same("domjobinfo box")


def test_older_daemons(daemon: Callable[..., Host]) -> None:
    host = daemon(
        domain_get_job_stats=virt_error(NO_SUPPORT, "virDomainGetJobStats"),
        domain_get_job_info=DomainGetJobInfo(*range(1, 13)),
    )
    host.same("domjobinfo box", "domjobinfo box --completed", "domjobinfo box --rawstats", "domjobinfo box --anystats")


def test_json(daemon: Callable[..., Host]) -> None:
    host = daemon(domain_get_job_stats=DomainGetJobStats(2, everything()))
    [info] = host.json("domjobinfo box")
    assert info["type"] == "unbounded" and info["operation"] == "outgoing_migration" and info["errmsg"] == "no luck"
    assert info["time_elapsed_seconds"] == 0.003 and info["success"] is True and info["data_processed_bytes"] == 81
    assert {"memory_bytes_per_second", "memory_dirty_rate_pages_per_second", "memory_normal_bytes"} < {*info}
    assert "memory_iteration" in info and "operation" not in host.json("domjobinfo box --rawstats")[0]["type"]


@pytest.mark.parametrize(
    "answer", ['{"return":{}}', '{"return":[],"a":{"b":[1,2.5,null,true,"x\\n\\u00e9/"]}}', "not json", "", "[1]", "5"]
)
def test_agents_answers(daemon: Callable[..., Host], answer: str) -> None:
    host = daemon(qemu_domain_agent_command=answer, qemu_domain_monitor_command=answer)
    host.same("qemu-agent-command box x", "qemu-agent-command box x --pretty", "qemu-monitor-command box x")
    host.same("qemu-monitor-command box x --pretty")
    for options in ("--return-value", "--pretty --return-value"):
        if answer[:1] in ("", "n"):
            runs = [
                one("-c", host.uri, f"qemu-monitor-command box x {options}") for one in (host.side.virsh, host.side.vsh)
            ]
            assert runs[0].stderr.split(":")[:3] == runs[1].stderr.split(":")[:3] and runs[1].status == 1
        else:
            host.same(f"qemu-monitor-command box x {options}")


def test_an_agent_that_gives_no_answer(daemon: Callable[..., Host]) -> None:
    daemon(qemu_domain_agent_command=None).same("qemu-agent-command box x --async", "qemu-agent-command box x --pretty")
