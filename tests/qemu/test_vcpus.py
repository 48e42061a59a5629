"""Virtual CPUs that come and go, as under libvirtd."""

from pathlib import Path

from tests.live.guest import Guests
from tests.qemu.conftest import Beside

LINES = """
setvcpus many 3 --config --hotpluggable
dumpxml many --inactive
setvcpus many 1 --config
setvcpu many 1 --enable --config
setvcpu many 2-3 --enable --config
setvcpu many 1 --disable --config
dumpxml many --inactive
setvcpu many 0 --disable --config
setvcpus many 4 --config
setvcpus many 2 --config
setvcpus many 6 --config --maximum
setvcpus many 2 --maximum --config
setvcpus many 4 --maximum --config
setvcpus many 3 --config --hotpluggable
start many
vcpucount many
qemu-monitor-command many --hmp info hotpluggable-cpus
setvcpu many 3 --enable
setvcpu many 3 --enable
setvcpu many 2,3 --enable
setvcpu many 9 --enable
setvcpus many 7 --config
setvcpus many 7
setvcpus many 2 --maximum --live
setvcpus many 1 --live
setvcpu many 0 --disable --live
setvcpu many 2 --disable --live
setvcpu many x --enable
vcpucount many
setvcpus many 2 --guest
guestvcpus many
destroy many
setvcpus many 1 --live
setvcpus many 4 --config
dumpxml many
start many
vcpucount many
destroy many
undefine many
"""
STATES = {
    "<vcpu id='0' enabled='no'/><vcpu id='1' enabled='yes'/>": "",
    "<vcpu id='0' enabled='yes' hotpluggable='yes'/>": "",
    "<vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='2' enabled='yes' hotpluggable='no'/>": "start many",
    "<vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='2' enabled='yes' hotpluggable='yes' order='9'/>": "",
    "<vcpu id='0' enabled='yes' hotpluggable='no' order='1'/><vcpu id='1' enabled='yes' hotpluggable='yes' order='3'/>"
    "<vcpu id='2' enabled='yes' hotpluggable='yes' order='2'/>": "start many",
}


def test_vcpus_come_and_go(beside: Beside, guests: Guests, root: Path) -> None:
    xml = guests.boot_sector("many").replace("<vcpu>1<", "<vcpu current='2'>4<")
    xml = xml.replace("<memory", "<uuid>6695eb01-f6a4-8304-79aa-97f2502e7779</uuid><memory", 1)
    file = root / "many.xml"
    file.write_text(xml)
    beside.same(f"define {file}", *LINES.split("\n")[1:-1])
    for number, (states, then) in enumerate(STATES.items()):
        file = root / f"{number}"
        file.write_text(xml.replace("</vcpu>", f"</vcpu><vcpus>{states}</vcpus>"))
        beside.same(f"define {file}", *([then, "vcpucount many", "destroy many", "undefine many"] if then else []))
