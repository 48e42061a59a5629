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
