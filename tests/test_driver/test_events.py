"""Which events come, in which order."""

import time
from typing import Any

from tests.test_driver.conftest import Both
from tests.test_driver.test_domains import REF, XML


def test_events_of_domains(both: Both) -> None:
    seen: dict[str, list[Any]] = {"ours": [], "theirs": []}
    for side, conn in (("ours", both.ours), ("theirs", both.theirs)):
        for kind in ("domain_event_lifecycle", "domain_event_metadata_change"):
            conn.subscribe(kind, None, seen[side].append)
    dom = both.domain_lookup_by_name("test")
    both.domain_suspend(dom)
    both.domain_resume(dom)
    both.domain_reboot(dom, 0)
    both.domain_shutdown(dom)
    both.domain_create(dom)
    both.domain_destroy(dom)
    both.domain_define_xml(XML)
    both.domain_define_xml(XML)
    both.domain_rename(REF, "other", 0)
    both.domain_create(REF)
    both.domain_define_xml(XML.replace("guest<", "other<"))
    both.domain_set_metadata(REF, 1, "a title", None, None, 3)
    both.domain_set_metadata(REF, 2, "<a/>", "key", "http://uri", 1)
    both.domain_managed_save(REF, 0)
    both.domain_create(REF)
    both.domain_undefine(REF)
    both.domain_reboot(REF, 0)
    both.domain_create_xml(XML)
    both.domain_destroy(REF)
    deadline = time.monotonic() + 10
    while len(seen["ours"]) != len(seen["theirs"]) or not seen["ours"] or seen["ours"][-1].dom.name != "guest":
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    time.sleep(0.1)
    assert [repr(event) for event in seen["ours"]] == [repr(event) for event in seen["theirs"]]
    assert len(seen["ours"]) > 15


def test_events_of_networks(both: Both) -> None:
    seen: dict[str, list[Any]] = {"ours": [], "theirs": []}
    for side, conn in (("ours", both.ours), ("theirs", both.theirs)):
        conn.subscribe("network_event_lifecycle", None, seen[side].append)
    net = both.network_lookup_by_name("default")
    both.network_destroy(net)
    both.network_create(net)
    both.network_destroy(net)
    both.network_undefine(net)
    deadline = time.monotonic() + 10
    while len(seen["theirs"]) < 4 or len(seen["ours"]) < 4:
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    assert [repr(event) for event in seen["ours"]] == [repr(event) for event in seen["theirs"]]


def test_events_of_node_devices(both: Both) -> None:
    names = "<wwnn>2000000000000001</wwnn><wwpn>1000000000000001</wwpn>"
    xml = f"<device><capability type='scsi_host'><capability type='fc_host'>{names}</capability></capability></device>"
    seen: dict[str, list[Any]] = {"ours": [], "theirs": []}
    for side, conn in (("ours", both.ours), ("theirs", both.theirs)):
        conn.subscribe("node_device_event_lifecycle", None, seen[side].append)
    both.node_device_create_xml(xml, 0)
    both.node_device_destroy("computer")
    both.node_device_destroy("scsi_host12")
    deadline = time.monotonic() + 10
    while len(seen["theirs"]) < 2 or len(seen["ours"]) < 2:
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    assert [repr(event) for event in seen["ours"]] == [repr(event) for event in seen["theirs"]]


def test_listing_node_devices_and_interfaces(both: Both) -> None:
    """Calls that virsh does not make on this host."""
    scrub = {"connect_list_all_node_devices", "node_list_devices", "connect_list_all_interfaces"}
    both.scrub.update(dict.fromkeys(scrub, sorted))
    for flags in (0, 1, 2, 32, 512, 1024, 33, 1 << 22):
        both.connect_list_all_node_devices(flags)
    for kind in (None, "system", "scsi_host", "fc_host", "vports", "net"):
        both.node_num_of_devices(kind, 0)
        both.node_list_devices(kind, 0)
    for name in ("computer", "scsi_host1", "scsi_host11", "nosuch"):
        both.node_device_get_parent(name)
        both.node_device_num_of_caps(name)
        both.node_device_list_caps(name)
    for flags in (0, 1, 2, 3, 4):
        both.connect_list_all_interfaces(flags)
    iface = both.interface_lookup_by_name("eth1")
    both.interface_destroy(iface, 0)
    for call in ("interfaces", "defined_interfaces"):
        getattr(both, f"connect_num_of_{call}")()
        getattr(both, f"connect_list_{call}")()
