"""Domains: listing, inspecting, starting, stopping, defining."""

from typing import Any

import pytest

from tests.test_driver.conftest import Both
from vsh.backends.records import DomainRef

NOBODY = DomainRef("nobody", b"\x01" * 16, -1)
UUID = "11111111-2222-3333-4444-555555555555"
XML = f"""\
<domain type='test'>
  <name>guest</name>
  <uuid>{UUID}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu current='1'>4</vcpu>
  <os><type>hvm</type></os>
  <on_reboot>destroy</on_reboot>
  <devices>
    <disk type='file'><source file='/guest.img'/><target dev='vda'/></disk>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface>
  </devices>
</domain>
"""
REF = DomainRef("guest", bytes.fromhex(UUID.replace("-", "")), -1)


def look(both: Both, dom: DomainRef) -> None:
    """Everything that can be asked about a domain."""
    both.domain_lookup_by_uuid(dom.uuid)
    both.domain_lookup_by_name(dom.name)
    both.domain_get_info(dom)
    both.domain_get_state(dom)
    both.domain_get_os_type(dom)
    both.domain_get_max_memory(dom)
    both.domain_get_max_vcpus(dom)
    both.domain_get_autostart(dom)
    both.domain_is_active(dom)
    both.domain_is_persistent(dom)
    both.domain_is_updated(dom)
    both.domain_has_managed_save_image(dom)
    both.domain_get_security_label(dom)
    both.domain_get_messages(dom)
    both.domain_get_hostname(dom)
    both.domain_get_time(dom)
    both.domain_get_control_info(dom)
    both.domain_get_metadata(dom, 0, None)
    for flags in (0, 1, 2, 4, 5, 6):
        both.domain_get_vcpus_flags(dom, flags)
    for flags in (0, 1, 2, 3, 4, 8, 10, 16):
        both.domain_get_xml_desc(dom, flags)


def test_the_default_domain(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    look(both, dom)
    both.domain_lookup_by_id(1)
    both.domain_lookup_by_id(2)


def test_a_domain_nobody_knows(both: Both) -> None:
    look(both, NOBODY)
    for call in ("create", "destroy", "suspend", "resume", "shutdown", "reboot", "undefine", "managed_save"):
        getattr(both, f"domain_{call}")(NOBODY, *([0] if call in ("reboot", "managed_save") else []))


def test_every_lifecycle_call_in_every_state(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("domain_create", (dom,)),
        ("domain_create_with_flags", (dom, 1)),
        ("domain_create_with_flags", (dom, 0)),
        ("domain_suspend", (dom,)),
        ("domain_resume", (dom,)),
        ("domain_reset", (dom, 0)),
        ("domain_reboot", (dom, 0)),
        ("domain_reboot", (dom, 32)),
        ("domain_shutdown_flags", (dom, 1)),
        ("domain_inject_nmi", (dom, 0)),
    ]
    reach: list[list[tuple[str, tuple[Any, ...]]]] = [
        [],
        [("domain_suspend", (dom,))],
        [("domain_destroy", (dom,))],
        [("domain_destroy_flags", (dom, 1)), ("domain_create", (dom,))],
        [("domain_shutdown", (dom,))],
        [("domain_create", (dom,)), ("domain_managed_save", (dom, 0))],
        [("domain_create", (dom,)), ("domain_destroy_flags", (dom, 2))],
    ]
    for steps in reach:
        for name, args in steps:
            getattr(both, name)(*args)
        for name, args in calls:
            getattr(both, name)(*args)
            both.domain_get_state(dom)
            both.domain_lookup_by_name("test")
        look(both, dom)


def test_lists_and_their_filters(both: Both) -> None:
    both.domain_define_xml(XML)
    both.domain_set_autostart(REF, 1)
    both.scrub["connect_list_all_domains"] = sorted
    both.scrub["connect_list_defined_domains"] = sorted
    for bit in range(17):
        both.connect_list_all_domains(1 << bit)
    for flags in (3, 5, 6, 0x11, 0x60, 0xFFFF, 0x405, 0x12345):
        both.connect_list_all_domains(flags)
    both.connect_num_of_domains()
    both.connect_num_of_defined_domains()
    both.connect_list_domains()
    both.connect_list_defined_domains()


def test_a_persistent_domain(both: Both) -> None:
    both.domain_define_xml(XML)
    look(both, REF)
    both.domain_define_xml(XML)
    both.domain_create_with_flags(REF, 0)
    look(both, REF)
    both.domain_define_xml(XML.replace("64", "128"))
    look(both, REF)
    both.domain_create_xml(XML)
    both.domain_undefine(REF)
    look(both, REF)
    both.domain_reboot(REF, 0)
    look(both, REF)


def test_a_transient_domain(both: Both) -> None:
    both.domain_create_xml(XML)
    look(both, REF)
    both.domain_managed_save(REF, 0)
    both.domain_set_metadata(REF, 1, "title", None, None, 2)
    both.domain_rename(REF, "other", 0)
    both.domain_destroy(REF)
    look(both, REF)
    both.domain_define_xml(XML)
    both.domain_create_xml(XML.replace("64", "256"))
    look(both, REF)
    both.domain_destroy(REF)
    look(both, REF)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (UUID, UUID.replace("1", "6")),
        ("<name>guest", "<name>renamed"),
        ("<name>guest", "<name>gu\nest"),
        ("<name>guest", "<name>gu/est"),
        ("<name>guest</name>", ""),
        ("</devices>", ""),
        ("</devices>\n</domain>\n", "</devices></domai"),
        ("<memory unit='MiB'>64", "<memory unit='MiB'>x"),
        ("hvm", "nonsense"),
        ("type='test'", "type='nonsense'"),
    ],
)
def test_definitions_that_are_refused(both: Both, old: str, new: str) -> None:
    both.domain_define_xml(XML)
    changed = XML.replace(old, new)
    both.domain_define_xml(changed)
    both.domain_create_xml(changed)
    both.domain_define_xml_flags(changed, 2)
    both.domain_create_xml(changed, 1)


def test_undefining(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    both.domain_undefine_flags(dom, 64)
    both.domain_managed_save(dom, 0)
    both.domain_undefine(dom)
    both.domain_managed_save_remove(dom, 0)
    both.domain_undefine(dom)
    both.domain_undefine(dom)
    both.connect_list_all_domains(0)


def test_renaming(both: Both) -> None:
    both.domain_define_xml(XML)
    for name in ("guest", "test", "a/b", "other", "other"):
        both.domain_rename(REF, name, 0)
    both.domain_rename(REF, "third", 1)
    both.domain_lookup_by_name("guest")
    look(both, both.domain_lookup_by_name("other"))
    both.domain_rename(both.domain_lookup_by_name("test"), "fourth", 0)


def test_metadata(both: Both) -> None:
    dom, uri = both.domain_lookup_by_name("test"), "http://example.com/ns"
    for flags in (0, 1, 2, 4):
        both.domain_set_metadata(dom, 0, f"text {flags} <&>", None, None, flags)
        both.domain_set_metadata(dom, 1, f"title {flags}", None, None, flags)
        both.domain_set_metadata(dom, 2, f"<app a='{flags}'><b>c</b><d/></app>", "key", uri, flags)
        for kind in (0, 1, 2, 3):
            for look_at in (0, 1, 2):
                both.domain_get_metadata(dom, kind, uri if kind == 2 else None, look_at)
        both.domain_get_xml_desc(dom, 0)
        both.domain_get_xml_desc(dom, 2)
    both.domain_set_metadata(dom, 2, "<x:other xmlns:x='http://else'>text</x:other>", "y", "http://second", 0)
    both.domain_get_xml_desc(dom, 0)
    both.domain_set_metadata(dom, 2, "<broken", "key", uri, 0)
    both.domain_set_metadata(dom, 2, "<a/>", "1bad", uri, 0)
    both.domain_set_metadata(dom, 2, None, None, uri, 0)
    both.domain_set_metadata(dom, 1, "", None, None, 0)
    both.domain_get_metadata(dom, 2, uri, 0)
    both.domain_get_metadata(dom, 1, None, 0)
    both.domain_get_xml_desc(dom, 0)
