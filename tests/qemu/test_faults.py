"""Faults: vsh killed at any point, and many of it at the same domains at once."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.constants.domain import DOMAIN_SHUTOFF
from vsh.backends.qemu.store import Running

#: Defines, starts, stops, undefines the same few domains for ever; argv: URI, file of XML, seed, how many.
WORKER = """
import random, sys
from vsh.backends import api
from vsh.backends.errors import VirtError
conn = api.open(sys.argv[1])
text = open(sys.argv[2]).read()
chance = random.Random(sys.argv[3])
print("ready", flush=True)
while True:
    number = chance.randrange(int(sys.argv[4]))
    uuid = f"<uuid>6695eb01-f6a4-8304-79aa-97f2502e00{number:02x}</uuid>"
    xml = text.replace("<memory", uuid + "<memory").replace(">NAME<", f">k{number}<")
    xml = xml.replace("<vcpu>1<", f"<vcpu>{chance.randrange(1, 9)}<")
    steps = [
        lambda: conn.domain_define_xml_flags(xml, 0),
        lambda: conn.domain_create_with_flags(conn.domain_lookup_by_name(f"k{number}"), 0),
        lambda: conn.domain_suspend(conn.domain_lookup_by_name(f"k{number}")),
        lambda: conn.domain_rename(conn.domain_lookup_by_name(f"k{number}"), f"r{number}", 0),
        lambda: conn.domain_destroy_flags(conn.domain_lookup_by_name(f"k{number}"), 0),
        lambda: conn.domain_create_xml(xml, 0),
        lambda: conn.domain_undefine_flags(conn.domain_lookup_by_uuid(bytes.fromhex(
            f"6695eb01f6a4830479aa97f2502e00{number:02x}")), 0),
    ]
    try:
        chance.choice(steps)()
    except VirtError as error:
        said = str(error)
        if "internal error" in said or "cannot access" in said or "cannot start" in said:
            print(said, file=sys.stderr, flush=True)
"""


def guests_below(root: Path) -> "set[int]":
    """The QEMU processes whose files are below `root`."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"{root}/".encode() in path.read_bytes() and b"qemu-system" in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:  # it has ended meanwhile
            pass
    return found


def settled(conn: api.Connection, root: Path) -> bool:
    """Whether what runs is what the driver says runs, after nothing but looking."""
    active = [ref for ref in conn.connect_list_all_domains(0) if ref.id != -1]
    records = [Running.load(path.read_bytes()) for path in (root / "e/run/qemu").glob("*.state")]
    running = {record.process.pid for record in records if record.process is not None}
    starting = [record for record in records if record.phase == "starting"]
    return not starting and len(active) == len(running) and guests_below(root) == running


def check(uri: str, root: Path) -> None:
    """Every definition is whole, every QEMU known, and all can be stopped and removed."""
    for path in (root / "e/etc/qemu").glob("*.xml"):
        text = path.read_text()
        assert re.search(r"</domain>\n\Z", text), path
    conn = api.open(uri)
    try:
        # A process that is just becoming QEMU holds what its dead parent held for a moment.
        wait_until(lambda: settled(conn, root), 10)
        for ref in conn.connect_list_all_domains(0):
            conn.domain_get_xml_desc(ref, 0)
            if ref.id != -1:
                conn.domain_destroy_flags(ref, 0)
                if ref in conn.connect_list_all_domains(0):
                    assert conn.domain_get_state(ref, 0).state == DOMAIN_SHUTOFF
            if ref in conn.connect_list_all_domains(0):
                conn.domain_undefine_flags(ref, 0)
        assert conn.connect_list_all_domains(0) == []
        assert not guests_below(root)
    finally:
        conn.close()


def kill_at_random_points(uri: str, root: Path, guests: Guests, times: int) -> None:
    xml = root / "template.xml"
    xml.write_text(guests.boot_sector("NAME"))
    chance = random.Random(4711)
    for attempt in range(times):
        argv = [sys.executable, "-c", WORKER, uri, str(xml), str(chance.random()), "3"]
        worker = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
        time.sleep(chance.random() * 0.5)
        os.kill(worker.pid, signal.SIGKILL)
        _, said = worker.communicate(timeout=30)
        assert not said, said
        if attempt % 5 == 4 or chance.random() < 0.2:
            check(uri, root)
    check(uri, root)


def test_killed_at_fifty_points(uri: str, root: Path, guests: Guests) -> None:
    kill_at_random_points(uri, root, guests, 50)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_at_five_hundred_points(uri: str, root: Path, guests: Guests) -> None:
    kill_at_random_points(uri, root, guests, 500)


def hammer(uri: str, root: Path, guests: Guests, seconds: float) -> None:
    """Eight processes at the same domains: nothing is lost, corrupt, or started twice."""
    xml = root / "template.xml"
    xml.write_text(guests.boot_sector("NAME"))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, uri, str(xml), str(number), "20"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    deadline = time.monotonic() + seconds
    doubles = []
    while time.monotonic() < deadline:
        time.sleep(0.2)
        names = []
        for pid in guests_below(root):
            try:
                names.append(re.search(rb"guest=([^,]*)", Path(f"/proc/{pid}/cmdline").read_bytes()))
            except OSError:
                pass
        told = [name[1] for name in names if name]
        doubles += [name for name in set(told) if told.count(name) > 1]
    for worker in workers:
        assert worker.poll() is None, worker.communicate()[1]
        worker.terminate()
    complaints = [worker.communicate(timeout=60)[1] for worker in workers]
    assert not any(complaints), complaints
    assert not doubles
    check(uri, root)


def test_eight_processes_for_a_while(uri: str, root: Path, guests: Guests) -> None:
    hammer(uri, root, guests, 6)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_eight_processes_for_two_minutes(uri: str, root: Path, guests: Guests) -> None:
    hammer(uri, root, guests, 120)
