"""Calls that no command makes, or none in all their forms, on real daemons: older twins, peeks, files handed over, and
libvirt's migration protocol without parameters."""

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.live.guest import BOOT_SECTOR_LINE, Guests
from tests.live.libvirtd import Libvirtd, free_port
from tests.live.wait import wait_until
from vsh.backends import driver, errors, procedures, registry
from vsh.backends.constants import domain as constants
from vsh.backends.params import STRING, UINT, TypedParams
from vsh.backends.records import DomainRef

DEVICES = """
    <disk type='file'><driver name='qemu' type='raw'/><source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
    <channel type='unix'><target type='virtio' name='talk'/></channel>
    <graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video>
  </devices>"""


@pytest.fixture
def qemu(libvirtd: Libvirtd) -> Iterator[driver.Connection]:
    connection = registry.open(libvirtd.uri("qemu"))
    yield connection
    connection.close()


@pytest.fixture
def guest(libvirtd: Libvirtd, qemu: driver.Connection, guests: Guests, define: Callable[..., None]) -> DomainRef:
    """A running guest with a disk that begins with `A disk`, a channel and a display."""
    disk = guests.directory / "writes.img"
    disk.write_bytes(b"A disk".ljust(1 << 20, b"\0"))
    disk.chmod(0o666)
    xml = guests.boot_sector("writes").replace("<memballoon model='none'/>", "<memballoon model='virtio'/>")
    xml = xml.replace("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu>").replace("</devices>", DEVICES.format(disk=disk))
    define(libvirtd.uri("qemu"), xml, start=True)
    found: DomainRef = qemu.domain_lookup_by_name("writes")
    return found


def test_peeks(qemu: driver.Connection, guest: DomainRef) -> None:
    assert qemu.domain_block_peek(guest, "vda", 2, 4, 0) == b"disk"
    physical = constants.MEMORY_PHYSICAL
    # The BIOS has read the boot sector by the time that its signature is there.
    wait_until(lambda: qemu.domain_memory_peek(guest, 0x7DFE, 2, physical) == b"\x55\xaa")
    assert BOOT_SECTOR_LINE.encode() in qemu.domain_memory_peek(guest, 0x7C00, 510, physical)


def test_older_twins(qemu: driver.Connection, guest: DomainRef) -> None:
    qemu.domain_set_memory(guest, 4096)
    with pytest.raises(errors.VirtError, match="cannot set memory higher than max memory"):
        qemu.domain_set_memory(guest, 1 << 30)
    device = "<interface type='user'><mac address='52:54:00:aa:bb:cc'/><model type='virtio'/></interface>"
    qemu.domain_attach_device(guest, device)
    assert "52:54:00:aa:bb:cc" in qemu.domain_get_xml_desc(guest, 0)
    qemu.domain_set_vcpu(guest, "1", 1, constants.DOMAIN_AFFECT_CONFIG)
    qemu.domain_destroy(guest)
    qemu.domain_set_max_memory(guest, 9000)
    assert qemu.domain_get_max_memory(guest) == qemu.domain_get_info(guest).max_mem == 9000


def test_saving_in_all_forms(qemu: driver.Connection, guest: DomainRef, guests: Guests) -> None:
    folder = guests.directory / "forms"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    file = str(folder / "image")
    qemu.domain_save_flags(guest, file, None, constants.DOMAIN_SAVE_PAUSED)
    assert qemu.domain_get_state(guest, 0).state == 5
    qemu.domain_restore_flags(file, None, 0)
    assert qemu.domain_get_state(guest, 0).state == constants.DOMAIN_PAUSED
    os.unlink(file)
    where = TypedParams().add("file", STRING, file)
    qemu.domain_save_params(guest, where, 0)
    qemu.domain_restore_params(where, constants.DOMAIN_SAVE_RUNNING)
    assert qemu.domain_get_state(guest, 0).state == 1


def test_displays_and_channels_are_handed_over(qemu: driver.Connection, guest: DomainRef) -> None:
    def greeted(display: socket.socket) -> bool:
        display.settimeout(10)
        return display.recv(4) == b"RFB "

    ours, theirs = socket.socketpair()
    with ours, theirs:
        qemu.domain_open_graphics(guest, 0, [theirs.fileno()], constants.DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
        assert greeted(ours)
    (display,) = qemu.domain_open_graphics_fd(guest, 0, 0)
    with socket.socket(fileno=display) as end:
        assert greeted(end)
    _, channel = qemu.domain_open_channel(guest, "talk", 0)
    channel.send(b"hello")
    channel.abort()


def test_migration_without_parameters(
    libvirtd: Libvirtd,
    qemu: driver.Connection,
    new_libvirtd: Callable[..., Libvirtd],
    guests: Guests,
    define: Callable[..., None],
) -> None:
    """The five steps of protocol 3 as daemons before 1.1.0 know them."""
    define(libvirtd.uri("qemu"), guests.boot_sector("mover"), start=True)
    there = registry.open(new_libvirtd().uri("qemu"))
    guest = qemu.domain_lookup_by_name("mover")
    live = constants.MIGRATE_LIVE
    cookie, xml = qemu.domain_migrate_begin3(guest, None, None, 0, live)
    target = f"tcp://127.0.0.1:{free_port()}"
    cookie, uri = there.domain_migrate_prepare3(cookie, target, None, 0, xml, live)
    cookie = qemu.domain_migrate_perform3(guest, None, cookie, None, uri or target, None, 0, live)
    moved, cookie = there.domain_migrate_finish3("mover", cookie, None, uri or target, 0, live)
    qemu.domain_migrate_confirm3(guest, cookie, 0, live)
    assert there.domain_get_state(moved, 0).state == 1 and qemu.domain_get_state(guest, 0).state == 5
    there.domain_destroy(moved)
    there.close()


def test_the_rest(qemu: driver.Connection, libvirtd: Libvirtd) -> None:
    folder = libvirtd.directory / "by-path"
    folder.mkdir()
    xml = f"<pool type='dir'><name>by-path</name><target><path>{folder}</path></target></pool>"
    pool = qemu.storage_pool_create_xml(xml, 0)
    assert qemu.storage_pool_lookup_by_target_path(str(folder)) == pool
    qemu.storage_pool_destroy(pool)
    qemu.connect_register_close_callback()
    qemu.connect_unregister_close_callback()


def test_the_oldest_registration_for_events(qemu: driver.Connection) -> None:
    told: list[int] = []
    qemu._channel.on_event = lambda message: told.append(message.procedure)
    xml = "<domain type='qemu'><name>brief</name><memory>1</memory><os><type>hvm</type></os></domain>"
    qemu.connect_domain_event_register()
    qemu.domain_undefine_flags(qemu.domain_define_xml_flags(xml, 0), 0)
    wait_until(lambda: qemu.connect_get_hostname() and len(told) > 1)
    qemu.connect_domain_event_deregister()
    assert told == [procedures.lookup("domain_event_lifecycle").number] * 2
    qemu.domain_undefine_flags(qemu.domain_define_xml_flags(xml, 0), 0)
    qemu.connect_get_hostname()
    assert len(told) == 2


def test_what_takes_privileges(libvirtd_root: Libvirtd) -> None:
    connection = registry.open(libvirtd_root.uri("qemu"))
    assert connection.node_alloc_pages([2048], [0], 0, 1, 0) == 1  # No page more.
    xml = "<filter name='vsh-writes'><rule action='accept' direction='in'/></filter>"
    connection.nwfilter_undefine(connection.nwfilter_define_xml_flags(xml, 1))
    connection.close()


def test_the_bandwidth_of_a_network_port(libvirtd_net: Libvirtd) -> None:
    connection = registry.open(libvirtd_net.uri("qemu"))
    address = "<ip address='192.168.232.1' netmask='255.255.255.0'/>"
    xml = f"<network><name>writes</name><forward mode='open'/><bridge name='vshwrites'/>{address}</network>"
    network = connection.network_create_xml(xml)
    owner = "<owner><name>x</name><uuid>12345678-1234-1234-1234-123456789abc</uuid></owner>"
    uuid = "<uuid>00000000-0000-4000-8000-00000000000a</uuid>"
    port = f"<networkport>{uuid}{owner}<mac address='52:54:00:11:22:34'/></networkport>"
    ref = connection.network_port_create_xml(network, port, 0)
    connection.network_port_set_parameters(ref, TypedParams().add("inbound.average", UINT, 100), 0)
    assert connection.network_port_get_parameters(ref, 0)["inbound.average"] == 100
    connection.network_port_delete(ref, 0)
    connection.network_destroy(network)
    connection.close()


def test_containers_of_lxc_tools(libvirtd_root: Libvirtd) -> None:
    connection = registry.open(libvirtd_root.uri("lxc"))
    config = "lxc.utsname = box\nlxc.rootfs = /srv/box\nlxc.network.type = empty\n"
    xml = connection.connect_domain_xml_from_native("lxc-tools", config, 0)
    assert "<name>box</name>" in xml and "/srv/box" in xml
    connection.close()
