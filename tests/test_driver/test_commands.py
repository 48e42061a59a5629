"""Commands about the embedded host's domain, beside virsh."""

from tests.live.need import need
from tests.live.side import Side

MOMENTS = (
    "snapshot-create-as test a; snapshot-create-as test b --description x; snapshot-list test --tree; "
    "snapshot-info test b; snapshot-parent test b; snapshot-revert test a; snapshot-current test --name; "
    "checkpoint-create-as test c; snapshot-delete test a --children; snapshot-list test --name; "
    "checkpoint-create-as test c; checkpoint-list test --name; checkpoint-delete test c; snapshot-delete test a"
)
TUNING = (
    "iothreadadd test 3; iothreadinfo test; iothreadset test 3 --poll-grow 7; domstats test; iothreaddel test 3; "
    "iothreaddel test 3; vcpupin test 0 1; vcpupin test; emulatorpin test 0-2; emulatorpin test; "
    "domifaddr test; cpu-stats test; domlaunchsecinfo test; dumpxml test"
)


def test_moments_and_tuning(side: Side) -> None:
    need("virsh")
    for line in (MOMENTS, TUNING):
        side.assert_same("-c", "test:///default", line, ignore=["times"])
