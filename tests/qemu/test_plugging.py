"""Devices with something on the host's side, plugged into a running guest and pulled out again."""

import re
import socket
from pathlib import Path

import pytest

from tests.qemu.documents import domain
from tests.qemu.running import code
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import INTERNAL_ERROR
from vsh.backends.qemu.plugs.plugging import chardev
from vsh.backends.records import DomainRef

LIVE, PAUSED = const.DOMAIN_AFFECT_LIVE, 1
CELLS = (
    "<cpu mode='custom'><model>Nehalem</model><numa><cell id='0' cpus='0-1' memory='64' unit='MiB'/></numa></cpu>"
    "<maxMemory slots='4' unit='MiB'>1024</maxMemory><features><acpi/></features>"
)


@pytest.fixture
def running(conn: api.Connection) -> DomainRef:
    devices = "<controller type='usb' model='qemu-xhci'/><controller type='virtio-serial' index='0'/>"
    return conn.domain_create_xml(domain("plugged", 1, "pc", devices, CELLS), PAUSED)


def info(conn: api.Connection, ref: DomainRef, what: str) -> str:
    return conn.qemu_domain_monitor_command(ref, f"info {what}", 1)


def test_character_devices_come_and_go(conn: api.Connection, running: DomainRef, root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for number, (xml, what) in enumerate((
            ("<channel type='unix'><target type='virtio' name='org.example.0'/></channel>", "virtserialport"),
            (f"<channel type='unix'><source mode='bind' path='{root}/e/c,h'/><target type='virtio' name='a,b'/>"
             "</channel>", "virtserialport"),
            ("<serial type='pty'><target type='usb-serial'/></serial>", "usb-serial"),
            (f"<redirdev bus='usb' type='tcp'><source mode='connect' host='127.0.0.1' service='{port}'/></redirdev>",
             "usb-redir"),
            (f"<serial type='file'><source path='{root}/e/out,x'/><target type='usb-serial'/></serial>", "usb-serial"),
        )):  # fmt: skip
            (root / "e").chmod(0o777)
            before = info(conn, running, "chardev"), info(conn, running, "qtree")
            conn.domain_attach_device_flags(running, xml, LIVE)
            assert f"dev: {what}" in info(conn, running, "qtree") and info(conn, running, "chardev") != before[0]
            shown = conn.domain_get_xml_desc(running, 0)
            alias = re.findall(r"<alias name='((?:channel|serial|redir)\d+)'/>", shown)[-1]
            assert f"char{alias}: " in info(conn, running, "chardev"), number
            if "pty" in xml:
                assert re.search(r"<serial type='pty'>\s+<source path='/dev/pts/\d+'/>", shown)
            conn.domain_detach_device_alias(running, alias, LIVE)
            assert (info(conn, running, "chardev"), info(conn, running, "qtree")) == before


def test_other_devices_are_plugged_in(conn: api.Connection, running: DomainRef) -> None:
    for xml, alias in (
        ("<watchdog model='i6300esb' action='pause'/>", "watchdog0"),
        ("<shmem name='plugged-shm'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>", "shmem0"),
        ("<controller type='scsi' index='4' model='virtio-scsi'/>", "scsi4"),
        ("<rng model='virtio'><backend model='egd' type='unix'><source mode='bind' path='/nowhere/e'/></backend>"
         "</rng>", ""),
    ):  # fmt: skip
        if alias:
            conn.domain_attach_device_flags(running, xml, LIVE)
            assert f'id "{alias}"' in info(conn, running, "qtree")
        else:
            before = info(conn, running, "chardev")
            assert code(lambda xml=xml: conn.domain_attach_device_flags(running, xml, LIVE)) == INTERNAL_ERROR  # type: ignore[misc]
            assert info(conn, running, "chardev") == before
    Path("/dev/shm/plugged-shm").unlink()


def test_memory_is_plugged_in(conn: api.Connection, running: DomainRef, root: Path) -> None:
    for access in ("", " access='shared'"):
        xml = f"<memory model='dimm'{access}><target><size unit='MiB'>128</size><node>0</node></target></memory>"
        conn.domain_attach_device_flags(running, xml, LIVE)
    told = info(conn, running, "memory-devices")
    assert re.findall(r'Memory device \[dimm\]: "(\w+)"', told) == ["dimm0", "dimm1"]
    shown = conn.domain_get_xml_desc(running, 0)
    assert re.findall(r"<address type='dimm' slot='(\d)' base='0x(\w+)'/>", shown) == [
        ("0", "100000000"), ("1", "108000000"),
    ]  # fmt: skip
    assert f"<memory unit='KiB'>{(64 + 256) * 1024}</memory>" in shown
    assert [path.name for path in (root / "e/lib/qemu/ram").rglob("*") if path.is_file()] == ["dimm1"]


@pytest.mark.parametrize("text, told", [
    ("null,id=charx", {"type": "null", "data": {}}),
    ("file,id=charx,path=a,,b,append=on,logfile=l,logappend=off",
     {"type": "file", "data": {"out": "a,b", "append": True, "logfile": "l", "logappend": False}}),
    ("udp,id=charx,host=h,port=1,localaddr=,localport=2",
     {"type": "udp", "data": {"remote": {"type": "inet", "data": {"host": "h", "port": "1"}},
                              "local": {"type": "inet", "data": {"host": "", "port": "2"}}}}),
    ("socket,id=charx,host=h,port=1,telnet=on,server=on,wait=off,tls-creds=t",
     {"type": "socket", "data": {"addr": {"type": "inet", "data": {"host": "h", "port": "1"}}, "server": True,
                                 "wait": False, "telnet": True, "tls-creds": "t"}}),
    ("socket,id=charx,path=p,reconnect=7",
     {"type": "socket", "data": {"addr": {"type": "unix", "data": {"path": "p"}}, "server": False, "reconnect": 7}}),
])  # fmt: skip
def test_options_of_character_devices_as_commands(text: str, told: object) -> None:
    assert chardev(text) == {"id": "charx", "backend": told}
