"""Pins, I/O threads and what else can be set of a guest, as under libvirtd."""

from pathlib import Path

from tests.live.guest import Guests
from tests.qemu.conftest import Beside

LINES = """
vcpupin misc
vcpupin misc 0 1 --config
vcpupin misc 3 0 --config
emulatorpin misc
emulatorpin misc 1 --config
iothreadinfo misc
iothreadadd misc 1 --config
iothreadinfo misc --config
iothreadpin misc 1 0 --config
iothreadset misc 1 --poll-max-ns 100 --config
iothreadpin misc 9 0 --config
iothreaddel misc 1 --config
iothreaddel misc 1 --config
numatune misc --config
numatune misc --mode strict --nodeset 0 --config
numatune misc --config
numatune misc --mode strict --nodeset x --config
domiftune misc 52:54:00:00:00:11 --config
domiftune misc nope
domiftune misc 52:54:00:00:00:11 --inbound 1000,2000,3000 --config
perf misc
perf misc --enable foo
set-lifecycle-action misc poweroff preserve --config
set-lifecycle-action misc reboot destroy --config
set-lifecycle-action misc poweroff restart --config
set-lifecycle-action misc poweroff destroy --config
dommemstat misc --period 5 --config
start misc
vcpupin misc 3 0 --live
vcpupin misc 0 0 --live
vcpupin misc
emulatorpin misc 0-1 --live --config
emulatorpin misc
iothreadadd misc 1 --live
iothreadadd misc 1 --live
iothreadinfo misc
iothreadpin misc 1 1
iothreadinfo misc
iothreadpin misc 9 1
iothreadset misc 1 --poll-max-ns 100 --live
iothreadset misc 7 --poll-max-ns 1
iothreaddel misc 1
iothreaddel misc 1
set-lifecycle-action misc reboot restart --live
set-lifecycle-action misc crash preserve --live
dommemstat misc --period 3 --live
perf misc --enable cmt --live
domiftune misc 52:54:00:00:00:11
numatune misc
domifstat misc 52:54:00:00:00:11
domifstat misc nope
cpu-stats misc
cpu-stats misc --total
domlaunchsecinfo misc
destroy misc
"""
DEVICES = (
    "<memballoon model='virtio'/><interface type='user'><mac address='52:54:00:00:00:11'/><model type='virtio'/>"
    "</interface>"
)


def test_pins_and_threads(beside: Beside, guests: Guests, root: Path) -> None:
    xml = guests.boot_sector("misc").replace("<memballoon model='none'/>", DEVICES)
    xml = xml.replace("<memory", "<uuid>6695eb01-f6a4-8304-79aa-97f2502e777b</uuid><memory", 1)
    file = root / "misc.xml"
    file.write_text(xml)
    beside.same(f"define {file}", *LINES.split("\n")[1:-1], "dumpxml misc", "undefine misc")


def test_what_takes_cgroups_is_refused(beside: Beside, guests: Guests, root: Path) -> None:
    """Nothing is kept that would not be done; pins are."""
    file = root / "plain.xml"
    file.write_text(guests.boot_sector("plain"))
    for command in (
        f"define {file}", "schedinfo plain", "schedinfo plain cpu_shares=1 --config",
        "memtune plain --hard-limit 1000000",
        "memtune plain", "blkiotune plain --weight 500 --config", "blkiotune plain",
    ):  # fmt: skip
        run = beside.side.vsh("-c", beside.ours, command)
        refused = not command.startswith("define")
        assert run.status == refused and ("takes cgroups" in run.stderr) == refused, command
    assert "tune" not in beside.side.vsh("-c", beside.ours, "dumpxml plain").stdout
    run = beside.side.vsh("-c", beside.ours, "vcpupin plain 0 0 --config; start plain; vcpuinfo plain; destroy plain")
    assert run.status == 0 and run.stdout.partition("CPU Affinity:")[2].split("\n")[0].strip("- ") == "y"
