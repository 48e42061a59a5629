"""Everything that can be asked of a real daemon without changing it, by the tables alone: the replies have the form
that the tables tell, whoever answers."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.rpc import values
from vsh.backends import driver, errors, procedures, registry
from vsh.backends.params import TypedParams
from vsh.backends.procedures import Procedure
from vsh.backends.rpc.codec import codec

READS = {
    name: procedure
    for name, procedure in values.all_procedures().items()
    if procedure.program == "remote"
    and procedure.readonly != "!"
    and not (procedure.event or procedure.stream or procedure.files)
    and not name.startswith(("auth_", "connect_open", "connect_close"))
    and "register" not in name
}
OWNER = "<owner><name>reads</name><uuid>12345678-1234-1234-1234-123456789abc</uuid></owner>"
MAC = "<mac address='52:54:00:11:22:34'/>"
NETWORK = """<network><name>reads</name><forward mode='open'/><bridge name='vshreads'/>
  <ip address='192.168.231.1' netmask='255.255.255.0'/></network>"""
PORT_ID = UUID("00000000-0000-4000-8000-000000000001")
PORT = f"<networkport><uuid>{PORT_ID}</uuid>{OWNER}{MAC}</networkport>"
BINDING = f"<filterbinding>{OWNER}<portdev name='lo'/>{MAC}<filterref filter='reads'/></filterbinding>"
DISK = (
    """<disk type='file'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>"""
)
#: What is asked for by a number or a word, where 0 and the empty text would be no question.
WORDS = {
    ("connect_get_max_vcpus", "type"): "qemu",
    ("connect_list_all_domains", "flags"): 3,
    ("domain_get_cpu_stats", "ncpus"): 1,
    ("domain_get_cpu_stats", "start_cpu"): -1,
    ("domain_get_guest_info", "types"): 1,
    ("domain_get_metadata", "uri"): None,
    ("node_get_cells_free_memory", "maxcells"): 1,
    ("node_get_cpu_stats", "cpu_num"): -1,
    ("node_get_free_pages", "cell_count"): 1,
    ("node_get_free_pages", "pages"): [4],
    ("secret_lookup_by_usage", "usage_type"): 1,
    ("secret_lookup_by_usage", "usage_id"): "/reads",
}
BY_FIELD = {"path": "vda", "disk": "vda", "name": "reads"}


def arguments(procedure: Procedure, objects: dict[str, Any]) -> list[Any] | None:
    """A question about `objects`; None when there is no such object."""
    args: list[Any] = []
    for field in procedure.parameters:
        kind = field.type.rstrip("?")
        if kind in objects:
            args.append(objects[kind])
        elif (procedure.name, field.name) in WORDS:
            args.append(WORDS[procedure.name, field.name])
        elif kind == "uuid":
            owner = objects.get(procedure.name.partition("_lookup")[0])
            args.append(getattr(owner, "uuid", bytes(16)))
        elif field.type[-1] == "?":
            args.append(None)
        elif field.type[-1] == "]":
            base = procedures.base_type(kind)
            args.append(b"" if base == "bytes" else TypedParams() if base == "param" else [])
        elif procedure.name.startswith("node_device_") and field.name == "name":
            args.append("computer")
        elif kind == "string":
            args.append(BY_FIELD.get(field.name, "reads"))
        elif kind in values.RANGES:
            args.append(0)
        else:
            return None
    return args


def sweep(connection: driver.Connection, objects: dict[str, Any]) -> set[str]:
    """Ask everything; the calls that were answered with a value.

    What the daemon refuses it must refuse in words of its own: an error of the protocol is a failure.
    """
    answered = set()
    for name, procedure in READS.items():
        args = arguments(procedure, objects)
        if args is None:
            continue
        try:
            value = getattr(connection, name)(*args)
        except errors.VirtError as error:
            assert error.code != errors.RPC, f"{name}: {error}"
            continue
        wire = codec(procedure)
        assert wire.decode_results(wire.encode_results(value)) == value, name
        answered.add(name)
    return answered


@pytest.fixture
def guest(guests: Guests) -> Iterator[Callable[[str], str]]:
    """XML of a guest with a disk of qcow2 and an I/O thread."""
    made: list[Path] = []

    def guest(name: str) -> str:
        image = guests.directory / f"{name}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "1M"], check=True, timeout=30)
        os.chmod(image, 0o666)
        made.append(image)
        xml = guests.boot_sector(name).replace("<memballoon", DISK.format(image) + "<memballoon")
        return xml.replace("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu><iothreads>1</iothreads>")

    yield guest
    for image in made:
        image.unlink(missing_ok=True)


def test_all_drivers_of_a_privileged_daemon(libvirtd_net: Libvirtd, guest: Callable[[str], str]) -> None:
    connection = registry.open(libvirtd_net.uri("qemu"))
    pool_directory = libvirtd_net.directory / "reads"
    pool_directory.mkdir()
    objects: dict[str, Any] = {}
    try:
        connection.domain_define_xml(guest("reads"))
        connection.domain_create(connection.domain_lookup_by_name("reads"))
        objects["domain"] = domain = connection.domain_lookup_by_name("reads")
        snapshot = "<domainsnapshot><name>reads</name></domainsnapshot>"
        objects["domain_snapshot"] = connection.domain_snapshot_create_xml(domain, snapshot)
        checkpoint = "<domaincheckpoint><name>reads</name></domaincheckpoint>"
        objects["domain_checkpoint"] = connection.domain_checkpoint_create_xml(domain, checkpoint)
        objects["network"] = network = connection.network_define_xml(NETWORK)
        connection.network_create(network)
        objects["network_port"] = connection.network_port_create_xml(network, PORT)
        pool = f"<pool type='dir'><name>reads</name><target><path>{pool_directory}</path></target></pool>"
        objects["storage_pool"] = connection.storage_pool_define_xml(pool)
        connection.storage_pool_create(objects["storage_pool"])
        volume = "<volume><name>reads</name><capacity>1048576</capacity></volume>"
        objects["storage_vol"] = connection.storage_vol_create_xml(objects["storage_pool"], volume)
        secret = "<secret><usage type='volume'><volume>/reads</volume></usage></secret>"
        objects["secret"] = connection.secret_define_xml(secret)
        objects["nwfilter"] = connection.nwfilter_define_xml("<filter name='reads'/>")
        objects["nwfilter_binding"] = connection.nwfilter_binding_create_xml(BINDING)
        objects["interface"] = connection.interface_lookup_by_name("lo")

        answered = sweep(connection, objects)
        missing = {name for name in READS if name.endswith(("_xml_desc", "_info", "_is_active"))} - answered
        # No saved image, no backup, no agent, no PCI device, no block job of that name.
        assert {name for name in missing if "save" not in name and "backup" not in name} <= {"domain_get_guest_info"}
        assert len(answered) > 120

        assert connection.network_list_all_ports(network) == [objects["network_port"]]
        assert connection.network_port_lookup_by_uuid(network, PORT_ID.bytes) == objects["network_port"]
        assert connection.network_port_get_parameters(objects["network_port"]).items == []
        assert connection.domain_get_iothread_info(domain)[0].iothread_id == 1
        assert connection.domain_get_block_info(domain, "vda").capacity == 1 << 20
        memory = {stat.field: stat.value for stat in connection.node_get_memory_stats(-1)}
        assert memory["total"] > memory["free"] > 0
    finally:
        undo(connection, objects)
        connection.close()


def undo(connection: driver.Connection, objects: dict[str, Any]) -> None:
    """Take away what `test_all_drivers_of_a_privileged_daemon` made, as far as it came."""
    for kind, name, *flags in (
        ("nwfilter_binding", "nwfilter_binding_delete"),
        ("nwfilter", "nwfilter_undefine"),
        ("secret", "secret_undefine"),
        ("storage_vol", "storage_vol_delete", 0),
        ("storage_pool", "storage_pool_destroy"),
        ("storage_pool", "storage_pool_undefine"),
        ("network_port", "network_port_delete"),
        ("network", "network_destroy"),
        ("network", "network_undefine"),
        ("domain_checkpoint", "domain_checkpoint_delete", 0),
        ("domain_snapshot", "domain_snapshot_delete", 0),
        ("domain", "domain_destroy"),
        ("domain", "domain_undefine"),
    ):
        if kind in objects:
            try:
                getattr(connection, name)(objects[kind], *flags)
            except errors.VirtError as error:
                assert name == "domain_checkpoint_delete", error


@pytest.mark.parametrize("scheme", ["qemu", "test"])
def test_an_unprivileged_daemon(libvirtd: Libvirtd, scheme: str) -> None:
    connection = registry.open(libvirtd.uri(scheme))
    objects = {}
    for kind, lookup in (("domain", "domains"), ("network", "networks"), ("storage_pool", "storage_pools")):
        found = getattr(connection, f"connect_list_all_{lookup}")()
        if found:
            objects[kind] = found[0]
    assert len(sweep(connection, objects)) > (90 if scheme == "test" else 40)
    connection.close()


def test_parameters_of_control_groups(new_libvirtd: Callable[..., Libvirtd], guests: Guests, side: Side) -> None:
    """Scheduler, memory, block I/O and CPU time of a guest in control groups, as virsh shows them."""
    daemon = new_libvirtd(privileged=True)
    conf = daemon.directory / "etc/qemu.conf"
    conf.write_text(conf.read_text().replace("cgroup_controllers = []\n", ""))
    daemon.kill()
    daemon.start()
    uri = daemon.uri("qemu")
    connection = registry.open(uri)
    connection.domain_create_xml(guests.boot_sector("grouped"), 0)
    domain = connection.domain_lookup_by_name("grouped")
    connection.domain_suspend(domain)
    try:
        if "cpu_shares" not in connection.domain_get_scheduler_parameters(domain):
            pytest.fail("no control groups")
        for line in ("schedinfo", "memtune", "blkiotune", "cpu-stats", "cpu-stats --total", "cpu-stats --start 1"):
            command, *options = line.split()
            side.assert_same("-c", uri, command, "grouped", *options, ignore=["counters"])
        data = side.vsh("-c", uri, "--format", "json", "cpu-stats", "grouped", "--total")
        assert data.status == 0 and "cpu_time" in data.stdout, data
    finally:
        connection.domain_destroy(domain)
        connection.close()
