"""Figures and changes of guests, as libvirtd has them for the same guest."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.qemu.running import code
from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import INTERNAL_ERROR, INVALID_ARG, NO_DOMAIN_METADATA, OPERATION_INVALID, VirtError
from vsh.backends.records import DomainRef

#: Figures that depend on the moment, or on what libvirtd sees through cgroups and resctrl alone.
OTHERS = re.compile(r"cpu\.cache|cpu\.haltpoll|balloon\.last-update")
MOMENT = re.compile(r"(\.times?|\.delay|\.wait|\.user|\.system|\.rss|rd\.reqs|rd\.bytes|calc_start_time)=\d+")


@pytest.fixture
def xml(guests: Guests, libvirtd: Libvirtd) -> str:
    disk = libvirtd.directory / "figures.img"
    if not disk.exists():
        disk.write_bytes(bytes(1 << 20))
        disk.chmod(0o666)
    devices = (
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
        "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk><memballoon model='virtio'/>"
    )
    text = guests.boot_sector("figures").replace("<memballoon model='none'/>", devices)
    text = text.replace("<vcpu>1<", "<vcpu current='1'>2<")
    return text.replace("<memory", "<uuid>6695eb01-f6a4-8304-79aa-97f2502e7778</uuid><memory")


def figures(text: str) -> list[str]:
    lines = [line for line in text.split("\n") if not OTHERS.search(line)]
    return [MOMENT.sub(r"\1=N", line) for line in lines]


def test_statistics_are_libvirts(libvirtd: Libvirtd, side: Side, xml: str, uri: str, tmp_path: Path) -> None:
    file = tmp_path / "figures.xml"
    file.write_text(xml)
    commands = ["domstats figures", "domblkstat figures vda", "domblkstat figures hdc", "domblkinfo figures vda"]
    commands += ["domblkinfo figures hdc", "domblkstat figures sda", "dommemstat figures", "domcontrol figures"]
    commands += ["domblklist figures", "domiflist figures", "vcpucount figures", "domblkerror figures"]
    commands += ["domdirtyrate-calc figures --seconds 61", "domdirtyrate-calc figures --mode dirty-ring"]
    commands += ["domdirtyrate-calc figures --seconds 2", "domdirtyrate-calc figures", "domstats figures --dirtyrate"]
    commands += ["domjobabort figures --postcopy", "domjobabort figures"]
    answers: list[list[str]] = []
    for program, address in ((side.virsh, libvirtd.uri("qemu")), (side.vsh, uri)):
        for preparation in (f"define {file}", "start figures"):
            assert program("-c", address, preparation).status == 0
        found = []
        for command in [*commands, "destroy figures", "domstats figures", "domblkinfo figures vda", "undefine figures"]:
            run = program("-c", address, command)
            text = re.sub(r"(rss|rd_\w+|last_update) \d+", r"\1 N", run.stdout)
            if command == "domstats figures" and "state.state=5" in text:
                # libvirtd adds processor times of nobody, and allocations that take more than a look at the file.
                text = re.sub(r"  (cpu\.|block\.\d\.allocation).*\n", "", text)
            found += [command, *figures(text), run.stderr, str(run.status)]
        answers.append(found)
    theirs, ours = answers
    assert ours == theirs


def test_memory(conn: api.Connection, xml: str) -> None:
    ref = conn.domain_define_xml_flags(xml, 0)
    conn.domain_set_memory_flags(ref, 4096, 0)
    assert conn.domain_get_info(ref).memory == 4096
    assert code(lambda: conn.domain_set_memory_flags(ref, 9000, 0)) == INVALID_ARG
    assert code(lambda: conn.domain_set_memory_flags(ref, 4096, const.DOMAIN_AFFECT_LIVE)) == OPERATION_INVALID
    conn.domain_set_memory_flags(ref, 16384, const.DOMAIN_MEM_MAXIMUM)
    assert conn.domain_get_max_memory(ref) == 16384
    conn.domain_create_with_flags(ref, 0)
    both = const.DOMAIN_AFFECT_LIVE | const.DOMAIN_AFFECT_CONFIG
    conn.domain_set_memory_flags(ref, 8192, both)
    for flags in (0, const.DOMAIN_XML_INACTIVE):
        assert "<currentMemory unit='KiB'>8192<" in conn.domain_get_xml_desc(ref, flags)
    assert code(lambda: conn.domain_set_memory_flags(ref, 8192, const.DOMAIN_MEM_MAXIMUM)) == OPERATION_INVALID


def test_vcpus(conn: api.Connection, xml: str) -> None:
    ref = conn.domain_define_xml_flags(xml, 0)
    conn.domain_set_vcpus_flags(ref, 2, const.DOMAIN_AFFECT_CONFIG)
    assert code(lambda: conn.domain_set_vcpus_flags(ref, 3, const.DOMAIN_AFFECT_CONFIG)) == INVALID_ARG
    conn.domain_set_vcpus_flags(ref, 4, const.DOMAIN_AFFECT_CONFIG | const.DOMAIN_VCPU_MAXIMUM)
    assert [conn.domain_get_vcpus_flags(ref, flags) for flags in (0, const.DOMAIN_VCPU_MAXIMUM)] == [2, 4]
    ref = conn.domain_create_with_flags(ref, 0)
    vcpus = conn.domain_get_vcpus(ref)
    assert [(cpu.number, cpu.state) for cpu in vcpus.info] == [(0, 1), (1, 1)]


def test_metadata(conn: api.Connection, xml: str) -> None:
    ref = conn.domain_define_xml_flags(xml, 0)
    ref = conn.domain_create_with_flags(ref, 0)
    title, element = const.DOMAIN_METADATA_TITLE, const.DOMAIN_METADATA_ELEMENT
    assert code(lambda: conn.domain_get_metadata(ref, title, None, 0)) == NO_DOMAIN_METADATA
    conn.domain_set_metadata(ref, title, "Live", None, None, 0)
    conn.domain_set_metadata(ref, title, "Lasting", None, None, const.DOMAIN_AFFECT_CONFIG)
    assert [conn.domain_get_metadata(ref, title, None, flag) for flag in (1, 2)] == ["Live", "Lasting"]
    conn.domain_set_metadata(ref, element, "<a><b/></a>", "x", "urn:x", 3)
    assert [conn.domain_get_metadata(ref, element, "urn:x", flag) for flag in (1, 2)] == ["<a>\n  <b/>\n</a>"] * 2
    conn.domain_set_metadata(ref, element, None, None, "urn:x", 3)
    assert code(lambda: conn.domain_get_metadata(ref, element, "urn:x", 1)) == NO_DOMAIN_METADATA


def test_the_monitor(conn: api.Connection, xml: str) -> None:
    ref = conn.domain_create_xml(xml, 0)
    assert conn.qemu_domain_monitor_command(ref, "info status", 1) == "VM status: running\r\n"
    answer = json.loads(conn.qemu_domain_monitor_command(ref, '{"execute": "query-status"}', 0))
    assert answer["return"]["status"] == "running"
    refused = json.loads(conn.qemu_domain_monitor_command(ref, '{"execute": "no-such-command"}', 0))
    assert refused["error"]["class"] == "CommandNotFound"
    for bad in ("", "[]", "{", "info status"):
        with pytest.raises(VirtError, match="cannot parse json"):
            conn.qemu_domain_monitor_command(ref, bad, 0)
    conn.domain_send_key(ref, 0, 50, [30, 48])
    conn.domain_inject_nmi(ref)
    conn.domain_send_key(ref, const.KEYCODE_SET_LINUX, 0, [29, 56, 111])  # Ctrl, Alt, Delete
    conn.domain_send_key(ref, const.KEYCODE_SET_WIN32, 0, [46])
    for codeset, unknown in ((const.KEYCODE_SET_LINUX, 300), (const.KEYCODE_SET_ATSET3, 1)):
        with pytest.raises(VirtError, match=f"cannot translate keycode {unknown} of ") as caught:
            conn.domain_send_key(ref, codeset, 50, [unknown])
        assert caught.value.code == INTERNAL_ERROR


def test_the_host(conn: api.Connection, libvirtd: Libvirtd) -> None:
    theirs = api.open(libvirtd.uri("qemu"))
    try:
        ours, expected = conn.node_get_info(), theirs.node_get_info()
        assert ours[:1] + ours[2:3] + ours[4:] == expected[:1] + expected[2:3] + expected[4:]
        assert abs(ours.memory - expected.memory) < 1 << 20 or ours.memory > 1 << 20
        assert conn.connect_get_version() == theirs.connect_get_version()
        assert conn.connect_get_hostname() == theirs.connect_get_hostname()
        shown, told = conn.connect_get_capabilities(), theirs.connect_get_capabilities()
        # Whether there is KVM depends on whom one asks as.
        ours_guests, their_guests = (re.sub(" *<domain type='kvm'/>\n", "", text.partition("<guest>")[2])
                                     for text in (shown, told))  # fmt: skip
        assert ours_guests == their_guests
        assert all(re.findall(tag, shown) == re.findall(tag, told) for tag in ("<arch>.*?<", "<cpu id=.*"))
    finally:
        theirs.close()


def test_readonly_changes_nothing(connect: Callable[..., api.Connection], xml: str) -> None:
    ref: DomainRef = connect().domain_define_xml_flags(xml, 0)
    reader = connect(readonly=True)
    assert reader.domain_get_info(ref).max_mem == 8192
    for call in (
        lambda: reader.domain_create_with_flags(ref, 0),
        lambda: reader.domain_set_memory_flags(ref, 1024, 0),
        lambda: reader.domain_undefine_flags(ref, 0),
        lambda: reader.domain_get_xml_desc(ref, const.DOMAIN_XML_SECURE),
    ):
        with pytest.raises(VirtError, match="operation forbidden"):
            call()
