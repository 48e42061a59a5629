"""Hosts described by files, ours beside libvirt's; and hosts of tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import MANY
from tests.live.libvirtd import Libvirtd
from tests.live.need import need
from tests.live.side import Side
from tests.test_driver.conftest import Both, told
from vsh.backends import api
from vsh.backends.errors import AUTH_FAILED, VirtError
from vsh.backends.records import DomainRef
from vsh.backends.test import private_host

DOMAIN = "<domain type='test'><name>%s</name><uuid>%s</uuid><memory>65536</memory><os><type>hvm</type></os>%s</domain>"
UUIDS = [f"{number}1111111-2222-3333-4444-555555555555" for number in range(1, 10)]
SNAPSHOT = (
    "<test:domainsnapshot><name>%s</name><creationTime>%d</creationTime><state>%s</state><active>%s</active>%s"
    "</test:domainsnapshot>"
)
#: libvirt logs warnings about old snapshots; they are not part of any answer.
QUIET = {"LIBVIRT_LOG_OUTPUTS": "4:file:/dev/null"}
NODE = "<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>%s</node>"


def domain(name: str, number: int, inner: str = "") -> str:
    return DOMAIN % (name, UUIDS[number], inner)


def parent(name: str) -> str:
    return f"<parent><name>{name}</name></parent>"


FULL = NODE % (
    "<cpu><mhz>6000</mhz><model>x86_64</model><active>50</active><nodes>4</nodes><sockets>4</sockets><cores>4</cores>"
    "<threads>2</threads></cpu><memory>8192000</memory>"
    + domain("plain", 0, "<devices><interface type='network'><mac address='52:54:00:00:00:01'/>"
                         "<source network='net'/></interface></devices>")
    + domain("paused", 1, "<test:runstate>3</test:runstate>")
    + domain("off", 2, "<test:runstate>5</test:runstate><test:hasmanagedsave/>")
    + domain("passing", 3, "<test:transient/><test:runstate>4</test:runstate>")
    + domain("history", 4, SNAPSHOT % ("a", 1, "running", "0", "") + SNAPSHOT % ("b", 2, "shutoff", "1", parent("a"))
             + SNAPSHOT % ("c", 3, "paused", "0", parent("a")))
    + domain("tainted", 5, "<cpu mode='custom' match='exact'><model>Deprecated-Test</model></cpu><devices>"
             "<disk type='block' device='cdrom'><source dev='/dev/y'/><target dev='hda' bus='ide'/></disk>"
             "<interface type='user'><mac address='52:54:00:00:00:02'/><script path='/x'/></interface></devices>")
    + "<network><name>net</name><uuid>71111111-2222-3333-4444-555555555555</uuid><bridge name='virbr7'/>"
    "<ip address='10.0.0.1' prefix='8'/></network>"
    "<pool type='dir'><name>pool</name><uuid>81111111-2222-3333-4444-555555555555</uuid>"
    "<target><path>/p</path></target>"
    "<volume><name>v</name><capacity>5</capacity></volume><volume><name>w</name><capacity unit='KiB'>50</capacity>"
    "<allocation>7</allocation><key>kk</key><target><path>/other/w</path></target></volume></pool>"
    "<interface type='ethernet' name='eth7'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:07'/></interface>"
    "<device><name>machine</name><capability type='system'><hardware><vendor>V</vendor><serial>7</serial>"
    "<uuid>91111111-2222-3333-4444-555555555555</uuid></hardware><firmware><vendor>F</vendor></firmware></capability></device>"
)  # fmt: skip


@pytest.fixture
def hosts(libvirtd: Libvirtd) -> Iterator[Callable[..., Both]]:
    """Opens a host that a text describes, with further files beside it, in both ways; the errors where it cannot."""
    opened: list[api.Connection] = []

    def place(xml: str, **files: str) -> tuple[Any, Any]:
        folder = libvirtd.directory / "hosts"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        for name, text in {"host": xml, **files}.items():
            (folder / f"{name}.xml").write_text(text)
            (folder / f"{name}.xml").chmod(0o644)
        path = f"{folder}/host.xml"
        found: list[Any] = []
        for uri in (f"test://{path}", libvirtd.uri("test", path=path)):
            try:
                found.append(api.open(uri))
                opened.append(found[-1])
            except VirtError as error:
                found.append(error)
        return found[0], found[1]

    def both(xml: str, **files: str) -> Both:
        ours, theirs = place(xml, **files)
        assert told(ours) == told(theirs) or not (isinstance(ours, VirtError) or isinstance(theirs, VirtError))
        pair = Both(ours, theirs)
        pair.scrub["domain_get_info"] = lambda info: info._replace(cpu_time=0)
        return pair

    yield both
    for connection in opened:
        connection.close()


def test_a_host_of_everything(hosts: Callable[..., Both]) -> None:
    both = hosts(FULL)
    both.node_get_info()
    both.connect_get_capabilities()
    both.node_get_free_memory()
    both.node_get_cells_free_memory(0)
    both.scrub["connect_list_all_domains"] = sorted
    for number, name in enumerate(("plain", "paused", "off", "passing", "history", "tainted")):
        dom = both.domain_lookup_by_name(name)
        assert dom.uuid.hex().startswith(str(number + 1))
        both.domain_get_state(dom)
        both.domain_get_xml_desc(dom, 0)
        both.domain_get_xml_desc(dom, 2)
        both.domain_is_persistent(dom)
        both.domain_has_managed_save_image(dom)
        both.domain_get_info(dom)
        both.domain_get_vcpus_flags(dom, 0)
        both.domain_get_vcpu_pin_info(dom, 0)
        for flags in (0, 1, 2):
            both.domain_get_messages(dom, flags)
        both.domain_interface_addresses(dom, 0, 0)
        for call in ("domain_list_all_snapshots", "domain_snapshot_list_all_children"):
            both.scrub[call] = sorted  # libvirt links what a file holds in the order of a hash table
        for snapshot in both.domain_list_all_snapshots(dom, 0):
            both.domain_snapshot_get_xml_desc(snapshot, 0)
            both.domain_snapshot_get_parent(snapshot)
            both.domain_snapshot_is_current(snapshot)
            both.domain_snapshot_list_all_children(snapshot, 4)
    for flags in (0, 1, 2, 4, 8, 0x100, 0x1000):
        both.connect_list_all_domains(flags)
    network = both.network_lookup_by_name("net")
    both.network_get_xml_desc(network, 0)
    both.network_is_active(network)
    both.network_is_persistent(network)
    pool = both.storage_pool_lookup_by_name("pool")
    both.storage_pool_get_xml_desc(pool, 0)
    both.storage_pool_get_info(pool)
    for volume in ("v", "w"):
        found = both.storage_vol_lookup_by_name(pool, volume)
        both.storage_vol_get_xml_desc(found, 0)
        both.storage_vol_get_info(found)
        both.storage_vol_get_path(found)
    both.storage_vol_lookup_by_key("kk")
    both.interface_get_xml_desc(both.interface_lookup_by_name("eth7"), 0)
    both.connect_list_interfaces()
    both.node_device_get_xml_desc("machine", 0)
    both.domain_create_xml(domain("new", 7), 0)
    both.domain_lookup_by_name("new")


def test_domains_in_many_states_as_virsh_lists_them(side: Side, tmp_path: Path) -> None:
    need("virsh")
    path = tmp_path / "many.xml"
    path.write_text(MANY)
    line = "list --all; list --title --with-snapshot; list --transient --name; domstate 日本; snapshot-list 2; nodeinfo"
    side.assert_same("-c", f"test://{path}", line, env=QUIET)


def test_an_empty_host(hosts: Callable[..., Both]) -> None:
    both = hosts("<node/>")
    both.node_get_info()
    both.connect_list_all_domains(0)
    both.connect_list_all_networks(0)
    both.connect_list_all_storage_pools(0)
    both.domain_lookup_by_name("test")


def test_files_beside_it(hosts: Callable[..., Both]) -> None:
    xml = NODE % (
        "<domain file='dom.xml'/><network file='net.xml'/><pool type='dir'><name>p</name><uuid>81111111-2222-3333-4444-"
        "555555555555</uuid><target><path>/p</path></target><volume file='vol.xml'/></pool>"
    )
    both = hosts(
        xml,
        dom=domain("far", 0, "<test:domainsnapshot file='snap.xml'/>").replace(
            "type='test'", "type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'", 1
        ),
        net="<network><name>n</name><uuid>71111111-2222-3333-4444-555555555555</uuid><bridge name='virbr8'/></network>",
        vol="<volume><name>v</name><capacity>5</capacity></volume>",
        snap="<domainsnapshot><name>s</name><creationTime>9</creationTime><state>running</state><active>1</active>"
        "</domainsnapshot>",
    )
    dom = both.domain_lookup_by_name("far")
    both.domain_get_xml_desc(dom, 0)
    both.domain_snapshot_get_xml_desc(both.domain_snapshot_current(dom), 0)
    both.network_get_xml_desc(both.network_lookup_by_name("n"), 0)
    both.storage_vol_get_path(both.storage_vol_lookup_by_name(both.storage_pool_lookup_by_name("p"), "v"))


@pytest.mark.parametrize(
    "xml",
    [
        "<nodes/>",
        "<node",
        "",
        "<node><cpu><nodes>x</nodes></cpu></node>",
        "<node><cpu><active>x</active></cpu></node>",
        "<node><cpu><mhz>x</mhz></cpu></node>",
        "<node><memory>5 KiB</memory></node>",
        f"<node><cpu><model>{'m' * 40}</model></cpu></node>",
        "<node><domain/></node>",
        "<node><domain type='test'><name>x</name></domain></node>",
        NODE % (domain("a", 0) + domain("a", 1)),
        NODE % (domain("a", 0) + domain("b", 0)),
        NODE % domain("a", 0, "<test:runstate>x</test:runstate>"),
        NODE % domain("a", 0, "<test:runstate>8</test:runstate>"),
        NODE % domain("a", 0, "<test:runstate>5</test:runstate><test:transient/>"),
        NODE % domain("a", 0, "<test:hasmanagedsave/>"),
        NODE % domain("a", 0, SNAPSHOT % ("s", 1, "running", "", "")),
        NODE % domain("a", 0, SNAPSHOT % ("s", 1, "bad", "1", "")),
        NODE % domain("a", 0, (SNAPSHOT % ("s", 1, "running", "1", "")) * 2),
        NODE % domain("a", 0, SNAPSHOT % ("s", 1, "running", "1", "") + SNAPSHOT % ("t", 1, "running", "1", "")),
        NODE % domain("a", 0, SNAPSHOT % ("s", 1, "running", "1", parent("none"))),
        NODE % domain("a", 0, SNAPSHOT % ("s", 1, "running", "1", parent("s"))),
        "<node><network/></node>",
        "<node><pool/></node>",
        "<node><pool type='dir'><name>p</name><target><path>/p</path></target><volume/></pool></node>",
        "<node><auth><user/></auth></node>",
    ],
)
def test_descriptions_that_are_refused(side: Side, tmp_path: Path, xml: str) -> None:
    need("virsh")
    path = tmp_path / "host.xml"
    path.write_text(xml)
    side.assert_same("-c", f"test://{path}", "uri", env=QUIET)
    with pytest.raises(VirtError):
        api.open(f"test://{path}")


def test_files_that_are_missing(side: Side, tmp_path: Path) -> None:
    need("virsh")
    (tmp_path / "host.xml").write_text("<node><domain file='missing.xml'/></node>")
    for name in ("host", "nothing"):
        runs = [run("-c", f"test://{tmp_path}/{name}.xml", "uri") for run in (side.virsh, side.vsh)]
        texts = [run.stderr.splitlines() for run in runs]
        assert [line for line in texts[0] if not line.startswith("I/O warning")] == texts[1]
        assert runs[0].status == runs[1].status == 1


def test_each_connection_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "host.xml"
    path.write_text(FULL)
    first, second = api.open(f"test://{path}"), api.open(f"test://{path}")
    first.domain_destroy(first.domain_lookup_by_name("plain"))
    assert second.domain_is_active(second.domain_lookup_by_name("plain"))
    first.close()
    second.close()


@pytest.mark.parametrize(("user", "password"), [("foo", "123"), ("foo", "12"), ("bar", ""), ("baz", "123"), ("", "")])
def test_logging_in(side: Side, tmp_path: Path, user: str, password: str) -> None:
    need("virsh")
    path, conf = tmp_path / "host.xml", tmp_path / "auth.conf"
    path.write_text("<node><auth><user password='123'>foo</user><user>bar</user></auth></node>")
    conf.write_text(f"[auth-test-localhost]\ncredentials=c\n[credentials-c]\nusername={user}\npassword={password}\n")
    side.assert_same("-c", f"test://{path}?authfile={conf}", "uri", env={"HOME": str(tmp_path)})


def test_a_host_for_a_test() -> None:
    session = private_host(NODE % domain("mine", 0))
    connection, reader = api.Connection(session), api.Connection(session.driver.connect(readonly=True))
    shared, like = api.open("test:///default"), api.Connection(private_host())
    try:
        assert [dom.name for dom in connection.connect_list_all_domains(0)] == ["mine"]
        mine = connection.domain_lookup_by_name("mine")
        connection.domain_destroy(mine)
        assert not reader.domain_is_active(mine)
        with pytest.raises(VirtError, match="read only"):
            reader.domain_create(mine)
        like.domain_destroy(like.domain_lookup_by_name("test"))
        assert shared.domain_is_active(DomainRef("test", like.domain_lookup_by_name("test").uuid, -1))
    finally:
        for opened in (connection, reader, shared, like):
            opened.close()


def test_files_beside_a_host_for_a_test(tmp_path: Path) -> None:
    (tmp_path / "dom.xml").write_text(domain("far", 0))
    session = private_host("<node><domain file='dom.xml'/></node>", str(tmp_path))
    assert [dom.name for dom in session.connect_list_all_domains(0)] == ["far"]
    session.close()
    with pytest.raises(VirtError, match=r"host\.xml:1"):
        private_host("<node")


def test_who_may_not_connect() -> None:
    session = private_host("<node><auth><user password='secret'>me</user></auth></node>")
    answers = iter(("me", "wrong", "me", "secret"))
    with pytest.raises(VirtError) as refused:
        session.open(lambda question, hidden: next(answers))
    assert refused.value.code == AUTH_FAILED
    session.open(lambda question, hidden: next(answers))
    session.close()


DEVICES = {
    "pci": "<domain>0</domain><bus>1</bus><slot>2</slot><function>3</function><product id='0x12'>p</product>"
    "<vendor id='0x8086'>v</vendor>",
    "net": "<interface>eth9</interface><address>00:11:22:33:44:55</address>",
    "usb_device": "<bus>1</bus><device>2</device><product id='1'>a</product><vendor id='0x2'>b</vendor>",
    "usb": "<number>0</number><class>9</class><subclass>0</subclass><protocol>1</protocol><description>d</description>",
    "storage": "<block>/dev/sdx</block><bus>scsi</bus><drive_type>disk</drive_type><model>m</model><vendor>v</vendor>"
    "<serial>s</serial><size>1000</size>",
    "scsi": "<host>1</host><bus>0</bus><target>0</target><lun>5</lun><type>disk</type>",
    "scsi_target": "<target>t1</target>",
    "drm": "<type>primary</type>",
}


def test_devices_of_many_kinds(side: Side, tmp_path: Path) -> None:
    device = "<device><name>%s</name><parent>computer</parent><capability type='%s'>%s</capability></device>"
    path = tmp_path / "devices.xml"
    path.write_text(NODE % "".join(device % (f"a_{kind}", kind, inner) for kind, inner in DEVICES.items()))
    side.assert_same("-c", f"test://{path}", "; ".join(f"nodedev-dumpxml a_{kind}" for kind in DEVICES))
    for kind, inner in (
        ("scsi_generic", "<char>/dev/sg0</char>"), ("drm", ""), ("drm", "<type>x</type>"), ("scsi_target", ""),
        ("pci", DEVICES["pci"].replace("0x8086", "x")), ("storage", "<block>/dev/x</block>"),
        ("usb", DEVICES["usb"].replace("9", "-9")),
    ):  # fmt: skip
        path.write_text(NODE % (device % ("a", kind, inner)))
        side.assert_same("-c", f"test://{path}", "nodedev-dumpxml a")


def test_large_files(side: Side, tmp_path: Path) -> None:
    """A file may be larger than any of its parts."""
    path = tmp_path / "large.xml"
    notes = f"<description>{'x' * (7 << 20)}</description>"
    path.write_text(NODE % "".join(domain(f"d{number}", number, notes) for number in range(3)))
    side.assert_same("-c", f"test://{path}", "list --name --all")
