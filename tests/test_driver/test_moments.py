"""Snapshots and checkpoints."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.test_driver.conftest import Both
from vsh.backends.errors import VirtError
from vsh.backends.records import DomainCheckpointRef, DomainRef, DomainSnapshotRef

NOBODY = DomainRef("nobody", b"\x01" * 16, -1)
UUID = "11111111-2222-3333-4444-555555555555"
XML = f"""\
<domain type='test'>
  <name>guest</name>
  <uuid>{UUID}</uuid>
  <metadata><a:b xmlns:a='urn:a'><a:c/></a:b></metadata>
  <memory unit='MiB'>64</memory>
  <os><type>hvm</type></os>
  <devices>
    <disk type='file'><source file='%s'/><target dev='vda'/></disk>
    <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>
    <disk type='file' snapshot='no'><source file='/none.img'/><target dev='vdb'/></disk>
    <disk type='block'><source dev='/dev/x'/><target dev='vdc'/></disk>
    <graphics type='vnc' passwd='secret'/>
  </devices>
</domain>
"""
REF = DomainRef("guest", bytes.fromhex(UUID.replace("-", "")), -1)


def timeless(xml: str) -> str:
    """Both hosts take a snapshot at nearly the same time."""
    return re.sub(r"\b1\d{9}\b", "TIME", xml)


@pytest.fixture
def guest(both: Both) -> Iterator[DomainRef]:
    for call in ("snapshot_get_xml_desc", "checkpoint_get_xml_desc"):
        both.scrub[f"domain_{call}"] = timeless
    for call in ("list_all_snapshots", "snapshot_list_names", "list_all_checkpoints"):
        both.scrub[f"domain_{call}"] = sorted
    for call in ("snapshot_list_all_children", "snapshot_list_children_names", "checkpoint_list_all_children"):
        both.scrub[f"domain_{call}"] = list
    with tempfile.NamedTemporaryFile(dir="/tmp", suffix=".image") as image:
        os.chmod(image.name, 0o644)  # the daemon runs as nobody
        yield both.domain_define_xml(XML % image.name)


@pytest.fixture
def events(both: Both) -> Iterator[list[list[tuple[Any, ...]]]]:
    """What each host tells about lifecycles: ours first."""
    seen: list[list[tuple[Any, ...]]] = [[], []]
    for conn, told in zip((both.ours, both.theirs), seen, strict=True):

        def note(event: Any, told: list[tuple[Any, ...]] = told) -> None:
            told.append((event.dom.name, event.dom.id, event.event, event.detail))

        conn.subscribe("domain_event_lifecycle", None, note)
    yield seen


def look(both: Both, dom: DomainRef) -> None:
    """Everything that can be asked about a domain's snapshots."""
    both.domain_get_state(dom)
    both.domain_get_xml_desc(dom, 0)
    both.domain_get_xml_desc(dom, 2)
    both.domain_has_current_snapshot(dom)
    both.domain_snapshot_current(dom)
    for bit in range(12):
        both.domain_list_all_snapshots(dom, 1 << bit)
        both.domain_snapshot_num(dom, 1 << bit)
    for flags in (0, 5, 9, 12, 0x12, 0x60, 0xE0, 0x300, 0x164, 0x7FF):
        both.domain_list_all_snapshots(dom, flags)
        both.domain_snapshot_list_names(dom, flags)
    names = both.domain_snapshot_list_names(dom, 0)
    snapshots = [DomainSnapshotRef(name, dom) for name in sorted(names if isinstance(names, list) else [])]
    for snapshot in [*snapshots, DomainSnapshotRef("none", dom)]:
        both.domain_snapshot_lookup_by_name(dom, snapshot.name)
        both.domain_snapshot_get_parent(snapshot)
        both.domain_snapshot_is_current(snapshot)
        both.domain_snapshot_has_metadata(snapshot)
        for flags in (0, 1, 4, 8, 1024, 1025, 2048):
            both.domain_snapshot_list_all_children(snapshot, flags)
            both.domain_snapshot_list_children_names(snapshot, flags)
            both.domain_snapshot_num_children(snapshot, flags)
        for flags in (0, 1, 2):
            both.domain_snapshot_get_xml_desc(snapshot, flags)


def named(name: str, inner: str = "", tag: str = "domainsnapshot") -> str:
    return f"<{tag}><name>{name}</name>{inner}</{tag}>"


def test_a_tree(both: Both, guest: DomainRef) -> None:
    for name in ("a", "b", "c"):
        both.domain_snapshot_create_xml(guest, named(name, "<description>x &lt;y</description>"), 0)
    both.domain_create(guest)
    both.domain_snapshot_create_xml(guest, named("live"), 0x1C0)
    both.domain_suspend(guest)
    both.domain_snapshot_create_xml(guest, named("paused"), 0)
    both.domain_revert_to_snapshot(DomainSnapshotRef("a", guest), 0)
    both.domain_snapshot_create_xml(guest, named("side"), 0)
    both.domain_create(guest)
    both.domain_snapshot_create_xml(guest, named("halted"), 8)
    look(both, guest)
    both.domain_snapshot_create_xml(guest, named("a"), 0)
    both.domain_undefine(guest)
    for name, flags in (("b", 0), ("c", 4), ("side", 1), ("a", 5), ("a", 2), ("a", 8), ("none", 0), ("a", 0)):
        both.domain_snapshot_delete(DomainSnapshotRef(name, guest), flags)
        look(both, guest)
    both.domain_snapshot_delete(DomainSnapshotRef("c", guest), 1)
    look(both, guest)
    look(both, NOBODY)
    both.domain_snapshot_create_xml(NOBODY, "<domainsnapshot/>", 0)
    both.domain_undefine_flags(guest, 2)


@pytest.mark.parametrize("flags", range(12))
def test_flags_of_creation(both: Both, guest: DomainRef, flags: int) -> None:
    for other in (0, 1, 3):
        both.domain_snapshot_create_xml(guest, named("x"), 1 << flags | other)
        both.domain_checkpoint_create_xml(guest, named("x", tag="domaincheckpoint"), 1 << flags | other)
    look(both, guest)


DISKS = "<disk name='vda' snapshot='%s'/>"
MEMORY = "<memory snapshot='external' file='/memory'/>"


@pytest.mark.parametrize(
    "inner",
    [
        "<disks><disk name='vda'/></disks>",
        "<disks><disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='no'/></disks>",
        "<disks><disk name='vda' snapshot='no'/></disks>",
        "<disks><disk name='vda' snapshot='external'/></disks>",
        "<disks><disk name='vda' snapshot='manual'/></disks>",
        "<disks><disk name='vda' snapshot='bad'/></disks>",
        "<disks><disk name='vdz'/></disks>",
        "<disks><disk name='vda'/><disk name='vda'/></disks>",
        "<disks><disk/></disks>",
        "<disks><disk name='vda' type='dir'/></disks>",
        "<disks><disk name='vda' type='bad'/></disks>",
        "<disks><disk name='vda'><driver type='bad'/></disk></disks>",
        "<disks><disk name='vda'><source file='relative'/></disk></disks>",
        "<disks><disk name='vda' snapshot='internal'><source file='/a'/></disk></disks>",
        "<disks>" + "<disk name='vda'/>" * 5 + "</disks>",
        MEMORY,
        MEMORY + "<disks><disk name='vdc' snapshot='no'/></disks>",
        MEMORY + "<disks><disk name='vdc' snapshot='no'/><disk name='vda' type='block'><source dev='/b'/></disk>"
        "</disks>",
        MEMORY + "<disks><disk name='/none.img'><driver type='qcow2'><metadata_cache><max_size unit='KiB'>4</max_size>"
        "</metadata_cache></driver></disk></disks>",
        MEMORY + "<disks><disk name='vdc' type='network'><source protocol='nbd' name='n'><host name='h'/></source>"
        "</disk></disks>",
        MEMORY + "<disks><disk name='vdc' snapshot='external'/></disks>",
        "<memory snapshot='external'/>",
        "<memory snapshot='internal' file='/m'/>",
        "<memory file='/m'/>",
        "<memory file='m'/>",
        "<memory snapshot='manual'/>",
        "<memory snapshot='bad'/>",
        "<memory snapshot='no'/>",
        "<state>bad</state><creationTime>5</creationTime><parent><name>p</name></parent><domain/>",
    ],
)  # fmt: skip
def test_what_is_kept(both: Both, guest: DomainRef, inner: str) -> None:
    both.domain_snapshot_create_xml(guest, named("one", inner), 0)
    both.domain_create(guest)
    both.domain_snapshot_create_xml(guest, named("two", inner), 0)
    both.domain_snapshot_create_xml(guest, inner, 0)
    for snapshot in ("one", "two"):
        both.domain_snapshot_get_xml_desc(DomainSnapshotRef(snapshot, guest), 0)
    look(both, guest)


def test_redefining(both: Both, guest: DomainRef) -> None:
    for name in ("a", "b", "c"):
        both.domain_snapshot_create_xml(guest, named(name), 0)
    theirs = both.theirs.domain_snapshot_get_xml_desc(DomainSnapshotRef("b", guest), 1)
    both.domain_snapshot_create_xml(guest, theirs, 1)
    look(both, guest)
    changes = [
        ("<name>b<", "<name>d<"),
        ("<name>b</name>", ""),
        ("<name>a<", "<name>c<"),
        ("<name>a<", "<name>b<"),
        ("<name>a<", "<name>none<"),
        ("<state>shutoff<", "<state>running<"),
        ("<state>shutoff<", "<state>disk-snapshot<"),
        ("<state>shutoff<", "<state>bad<"),
        ("<state>shutoff</state>", ""),
        ("<state>shutoff<", "<state>nostate<"),
        ("<memory snapshot='no'/>", ""),
        ("<memory snapshot='no'/>", "<memory snapshot='internal'/>"),
        ("<memory snapshot='no'/>", MEMORY),
        ("creationTime", "created"),
        (UUID, UUID.replace("1", "6")),
        ("<domain type='test'>", "<domain>"),
        ("snapshot='internal'", "snapshot='external'"),
    ]
    for old, new in changes:
        for flags in (1, 3):
            both.domain_snapshot_create_xml(guest, theirs.replace(old, new), flags)
        look(both, guest)
    bare = re.sub("<domain .*</domain>", "", theirs, flags=re.DOTALL)
    both.domain_snapshot_create_xml(guest, bare, 1)
    both.domain_snapshot_create_xml(guest, bare.replace("<name>b<", "<name>e<"), 1)
    look(both, guest)


def test_going_back(both: Both, guest: DomainRef, events: list[list[tuple[Any, ...]]]) -> None:
    reach: dict[str, list[str]] = {"off": [], "running": ["create"], "paused": ["create", "suspend"]}

    def bring(state: str) -> None:
        for conn in (both.ours, both.theirs):
            if conn.domain_is_active(guest):
                conn.domain_destroy(guest)
        for step in reach[state]:
            getattr(both, f"domain_{step}")(guest)

    for state in reach:
        bring(state)
        both.domain_snapshot_create_xml(guest, named(state), 0)
        both.domain_set_memory_flags(guest, 1000 * len(state), 0)
    for start in reach:
        for goal in reach:
            for flags in (0, 1, 2, 3, 4, 6, 8):
                bring(start)
                both.domain_revert_to_snapshot(DomainSnapshotRef(goal, guest), flags)
                both.domain_get_state(guest)
                both.domain_get_xml_desc(guest, 0)
                both.domain_get_xml_desc(guest, 2)
                both.domain_snapshot_current(guest)
    agree(events)


def test_going_back_with_a_transient_domain(both: Both, guest: DomainRef, events: list[list[tuple[Any, ...]]]) -> None:
    both.domain_snapshot_create_xml(guest, named("off"), 0)
    both.domain_create(guest)
    both.domain_snapshot_create_xml(guest, named("running"), 0)
    both.domain_undefine_flags(guest, 2)
    both.domain_set_memory_flags(guest, 1000, 0)
    both.domain_snapshot_create_xml(guest, named("halt"), 8)
    for goal, flags in (("off", 0), ("running", 0), ("running", 2), ("off", 1)):
        both.domain_revert_to_snapshot(DomainSnapshotRef(goal, guest), flags)
        look(both, guest)
    agree(events)


def agree(events: list[list[tuple[Any, ...]]]) -> None:
    """Both hosts told the same."""
    deadline = time.monotonic() + 5
    while events[0] != events[1] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert events[0] == events[1]


def look_at_checkpoints(both: Both, dom: DomainRef) -> None:
    for flags in (0, 1, 2, 3, 4, 8, 12, 5, 16):
        both.domain_list_all_checkpoints(dom, flags)
    checkpoints: list[DomainCheckpointRef] = sorted(both.ours.domain_list_all_checkpoints(dom, 0))
    for checkpoint in [*checkpoints, DomainCheckpointRef("none", dom)]:
        both.domain_checkpoint_lookup_by_name(dom, checkpoint.name)
        both.domain_checkpoint_get_parent(checkpoint)
        for flags in (0, 1, 2, 3, 4, 5, 8, 16):
            both.domain_checkpoint_list_all_children(checkpoint, flags)
            both.domain_checkpoint_get_xml_desc(checkpoint, flags)


def test_checkpoints(both: Both, guest: DomainRef) -> None:
    def create(name: str, inner: str = "", flags: int = 0) -> None:
        both.domain_checkpoint_create_xml(guest, named(name, inner, "domaincheckpoint"), flags)

    create("off")
    both.domain_create(guest)
    create("a", "<description>first</description>")
    create("b", "<disks><disk name='vda'/></disks>", 2)
    create("c", "<disks><disk name='vda' checkpoint='no'/><disk name='/none.img' bitmap='own'/></disks>")
    create("d", "<disks><disk name='vdz'/></disks>")
    create("d", "<disks><disk name='vda'/><disk name='vda'/></disks>")
    create("d", "<disks><disk name='hdc'/></disks>")
    create("d", "<disks><disk name='hdc' checkpoint='no'/></disks>")
    create("d", "<disks>" + "<disk name='vda'/>" * 5 + "</disks>")
    create("a")
    both.domain_snapshot_create_xml(guest, "<domainsnapshot/>", 0)
    look_at_checkpoints(both, guest)
    theirs = both.theirs.domain_checkpoint_get_xml_desc(DomainCheckpointRef("b", guest), 1)
    bare = re.sub("<domain .*</domain>", "", theirs, flags=re.DOTALL)
    for xml in (theirs, bare):
        for old, new in (
            ("", ""), ("<name>b<", "<name>e<"), ("<name>a<", "<name>b<"), ("<name>a<", "<name>none<"),
            ("<name>a<", "<name>c<"), ("<name>b</name>", ""), ("creationTime", "created"),
            (UUID, UUID.replace("1", "6")), ("<parent>\n    <name>a</name>\n  </parent>", ""),
        ):  # fmt: skip
            if "created" not in new:
                both.domain_checkpoint_create_xml(guest, xml.replace(old, new), 1)
        look_at_checkpoints(both, guest)
    for name, flags in (("b", 0), ("a", 5), ("a", 4), ("c", 2), ("a", 8), ("none", 0), ("e", 1)):
        both.domain_checkpoint_delete(DomainCheckpointRef(name, guest), flags)
        look_at_checkpoints(both, guest)
    both.domain_destroy(guest)
    look_at_checkpoints(both, guest)


def test_documents_that_are_refused(both: Both, guest: DomainRef) -> None:
    both.domain_create(guest)
    for xml in ("<nonsense/>", "<broken", "", "<domainsnapshot><name>x</name></domainsnapshot></x>"):
        both.domain_snapshot_create_xml(guest, xml, 0)
        both.domain_checkpoint_create_xml(guest, xml.replace("snapshot", "checkpoint"), 0)
    for xml in (named("x", "<bad/>", "domaincheckpoint"), named("x/y", tag="domaincheckpoint")):
        for conn in (both.ours, both.theirs):
            with pytest.raises(VirtError) as refused:
                conn.domain_checkpoint_create_xml(guest, xml, 0)
            assert refused.value.code == 92
    for conn in (both.ours, both.theirs):
        with pytest.raises(VirtError) as refused:
            conn.domain_snapshot_create_xml(guest, named("x", "<bad/>"), 0x200)
        assert refused.value.code == 92
