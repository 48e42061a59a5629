"""The commands of the group snapshot beside virsh's."""

from pathlib import Path

import pytest

from tests.commands import canned
from tests.commands.conftest import MANY, Host
from tests.live.libvirtd import Libvirtd
from tests.live.proxy import DelayProxy
from tests.live.side import Side
from vsh.backends.records import DomainSnapshotRef

#: a1 is the root, B2 its child, c3 and d4 children of B2; d4 is current.
MADE = (
    "snapshot-create-as test a1",
    "snapshot-create-as test B2 --description 'the second'",
    "snapshot-create-as test c3",
    "snapshot-revert test B2",
    "snapshot-create-as test d4",
)


@pytest.fixture
def snapshots(host: Host) -> Host:
    """A host, whose commands come after those that make snapshots."""

    class WithSnapshots(Host):
        def same(self, *commands: str, **rest: object):  # type: ignore[no-untyped-def]
            return super().same(*MADE, *commands, ignore=["times"], **rest)

    return WithSnapshots(host.side, host.uri)


@pytest.mark.parametrize(
    "options",
    [
        ["", "--parent", "--tree", "--name", "--roots", "--leaves", "--no-leaves", "--leaves --no-leaves"],
        ["--metadata", "--no-metadata", "--metadata --no-metadata", "--metadata --tree"],
        ["--inactive", "--active", "--disk-only", "--internal", "--external", "--active --internal --name"],
        ["--from a1", "--from a1 --descendants", "--from a1 --tree", "--from a1 --tree --descendants"],
        ["--from B2 --parent", "--from c3", "--from c3 --tree", "--current", "--current --tree", "--from a1 --name"],
        ["--topological", "--topological --tree", "--topological --name", "--topological --from a1 --descendants"],
        ["--roots --name", "--from zz", "--from ''", "--from a1 --current"],
    ],
)
def test_list(snapshots: Host, options: list[str]) -> None:
    snapshots.same(*(f"snapshot-list test {option}" for option in options))


def test_list_quietly_and_of_none(snapshots: Host, host: Host) -> None:
    snapshots.same("snapshot-list test", "snapshot-list test --tree", "snapshot-list test --name", quiet=True)
    host.same(*(f"snapshot-list test {option}" for option in ("", "--tree", "--name", "--parent", "--current")))
    host.same("snapshot-list test", "snapshot-list test --name", readonly=True)


def test_list_refusals(host: Host) -> None:
    pairs = ["tree --name", "parent --roots", "parent --tree", "roots --tree", "roots --from a", "roots --current"]
    pairs += [
        f"{one} --tree" for one in ("leaves", "no-leaves", "inactive", "active", "disk-only", "internal", "external")
    ]
    host.same(*(f"snapshot-list nosuch --{pair}" for pair in [*pairs, "descendants", "name"]))
    host.script("snapshot-list", "snapshot-list test a b", "snapshot-list ''", "snapshot-list test --from")


def test_create(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.xml"
    file.write_text("<domainsnapshot><name>it's</name><description>&lt;x&gt;</description></domainsnapshot>")
    wrong = tmp_path / "wrong.xml"
    wrong.write_text("<disk/>")
    show = "snapshot-list test --parent; domstate test; snapshot-current test --name"
    host.same(f"snapshot-create test {file}", show, 'snapshot-dumpxml test "it\'s"', ignore=["times"])
    host.same("snapshot-create test", show, "snapshot-create test --xmlfile /nonexistent", ignore=["times"])
    host.same(f"snapshot-create test {wrong}", f"snapshot-create test {wrong} --redefine", show)
    host.same(f"snapshot-create test {file}", 'snapshot-create-as test "it\'s"', show, quiet=True, ignore=["times"])
    flags = ["redefine", "current", "no-metadata", "halt", "disk-only", "reuse-external", "quiesce", "atomic", "live"]
    host.same(*(f"snapshot-create test --{flag}" for flag in flags[:3]), show, ignore=["times"])
    host.same(*(f"snapshot-create-as test {flag} --{flag}" for flag in flags[2:]), show, ignore=["times"])
    host.same(
        f"snapshot-create test {file} --validate", "snapshot-create test --halt --no-metadata", show, ignore=["times"]
    )


def test_xml_of_options(host: Host) -> None:
    begin = "snapshot-create-as test --print-xml"
    host.same(
        f"{begin} a",
        begin,
        f"{begin} a d vda,snapshot=x,file=/y,driver=z vdb vd,,c,file=/a,,b",
        f"{begin} a --memspec /a,,b,snapshot=no",
        f"{begin} a --memspec snapshot=internal",
        f"{begin} a --memspec file=x,snapshot=external --diskspec vda --diskspec vdb,file=",
        f"{begin} '<a&\">' \"it's\" '<,file=&'",
    )
    run = host.side.vsh("-c", host.uri, f"{begin} a --diskspec 'v<,snapshot=<,driver=\"'")
    assert "<disk name='v&lt;' snapshot='&lt;'>\n      <driver type='&quot;'/>" in run.stdout
    host.same(
        *(f"{begin} a --memspec {spec}" for spec in ("''", "x", "file=x,file=y", ",snapshot=x", "file=x,/y", "/x,/y")),
        *(f"{begin} a --diskspec {spec}" for spec in ("vda,x", "vda,", "vda,file=a,file=b", "vda,bitmap=x")),
        f"{begin} ''",
        f"{begin} a ''",
        f"{begin} a --no-metadata",
        "snapshot-create-as nosuch --print-xml",
        "snapshot-create-as nosuch --print-xml --no-metadata",
    )
    assert host.side.vsh("-c", host.uri, f"{begin} --diskspec ''").stderr == "error: unable to parse diskspec: \n"


def test_current(snapshots: Host, host: Host) -> None:
    snapshots.same("snapshot-current test", "snapshot-current test --name", "snapshot-current test --security-info")
    snapshots.same(
        "snapshot-current test --snapshotname c3",
        "snapshot-current 1 --name",
        "snapshot-list test --parent",
        "snapshot-current test nosuch",
        "snapshot-current test ''",
        "snapshot-current test --name --snapshotname c3",
        "snapshot-current nosuch",
    )
    host.same("snapshot-current test", "snapshot-current 1 --name")


def test_info_and_parent(snapshots: Host) -> None:
    snapshots.same(*(f"snapshot-info test {name}; snapshot-parent test {name}" for name in ("a1", "B2", "d4", "zz")))
    for name in ("snapshot-info", "snapshot-parent"):
        snapshots.same(
            *(f"{name} test {rest}" for rest in ("--current", "", "a1 --current", "''")), f"{name} nosuch a1"
        )


def test_dumpxml(snapshots: Host) -> None:
    snapshots.same(
        "snapshot-dumpxml test B2",
        "snapshot-dumpxml test B2 --security-info",
        "snapshot-dumpxml test B2 --xpath //name",
        "snapshot-dumpxml test B2 --xpath //name --wrap",
        "snapshot-dumpxml test B2 --xpath ''",
        "snapshot-dumpxml test zz",
        "snapshot-dumpxml nosuch B2",
        "snapshot-dumpxml nosuch ''",
        "snapshot-dumpxml '' B2",
    )


def test_revert(snapshots: Host) -> None:
    snapshots.same(
        "snapshot-revert test a1 --paused",
        "domstate test --reason",
        "snapshot-current test --name",
        "snapshot-revert test --current --running",
        "domstate test --reason",
        "destroy test",
        "snapshot-revert test c3 --force",
        "domstate test",
        "snapshot-list test --tree",
    )
    snapshots.same(
        "snapshot-revert test a1 --running --paused",
        "snapshot-revert test a1 --reset-nvram",
        "snapshot-revert test a1 --current",
        "snapshot-revert test",
        "snapshot-revert test zz",
        "snapshot-revert test ''",
    )
    snapshots.same("snapshot-revert test a1", "snapshot-revert test B2 --force", quiet=True)


def test_delete(snapshots: Host) -> None:
    show = "snapshot-list test --tree; snapshot-list test --parent; snapshot-info test --current"
    for wanted in ("a1", "B2", "B2 --children", "B2 --children-only", "--current", "c3 --metadata"):
        snapshots.same(f"snapshot-delete test {wanted}", show)
    snapshots.same(
        "snapshot-delete test a1 --children --children-only",
        "snapshot-delete test a1 --current",
        "snapshot-delete test",
        "snapshot-delete test zz",
        "snapshot-delete test ''",
        "snapshot-delete nosuch zz",
        show,
    )


def test_read_only(host: Host) -> None:
    host.same(
        "snapshot-create test",
        "snapshot-create-as test a",
        "snapshot-create-as test a --print-xml",
        "snapshot-revert test a",
        "snapshot-delete test a",
        "snapshot-current test --snapshotname a",
        readonly=True,
    )


def test_read_only_with_secrets(many: Host) -> None:
    commands = ["snapshot-dumpxml 日本 s1 --security-info", "snapshot-delete 日本 s1", "snapshot-revert 日本 s1"]
    many.same(*commands, "snapshot-current 日本 --security-info", "snapshot-current 日本 s1", readonly=True)
    many.same("snapshot-list 日本", "snapshot-info 日本 s1", "snapshot-info 2 --current", "snapshot-list 2 --tree")


def test_json(host: Host) -> None:
    create = "snapshot-create-as test a1; snapshot-create-as test b2"
    answers = host.json(
        f"{create}; snapshot-list test; snapshot-list test --tree; snapshot-list test --name; snapshot-info test b2; "
        "snapshot-parent test b2; snapshot-current test --name; snapshot-revert test a1; snapshot-delete test a1"
    )
    domain = {"name": "test", "uuid": "6695eb01-f6a4-8304-79aa-97f2502e193f"}
    assert answers[0] == {"domain": domain, "snapshot": "a1", "file": None}
    times = [record.pop("creation_time_seconds") for record in answers[2]]
    assert all(1.7e9 < time < 2**32 for time in times)
    assert answers[2] == [
        {"name": "a1", "state": "running", "parent": None},
        {"name": "b2", "state": "running", "parent": "a1"},
    ]
    assert answers[3] == [{"name": "a1", "parent": None}, {"name": "b2", "parent": "a1"}]
    assert answers[4] == [{"name": "a1"}, {"name": "b2"}]
    assert answers[5] == {
        "name": "b2",
        "domain": domain,
        "current": True,
        "state": "running",
        "location": "internal",
        "parent": "a1",
        "children": 0,
        "descendants": 0,
        "metadata": True,
    }
    assert answers[6:8] == [{"snapshot": "b2", "parent": "a1"}, {"name": "b2"}]
    assert answers[8:] == [{"domain": domain, "snapshot": "a1"}] * 2


def test_json_of_xml(host: Host) -> None:
    xml, made = host.json("snapshot-create-as test a --print-xml; snapshot-create-as test a")
    assert xml == {"xml": "<domainsnapshot>\n  <name>a</name>\n</domainsnapshot>\n"} and made["snapshot"] == "a"


def test_names_are_completed(many: Host) -> None:
    for words in (
        ["snapshot-info", "日本", "--snapshotname", ""],
        ["snapshot-list", "日本", "--from", "s"],
        ["snapshot-info", "yankee", "--snapshotname", ""],
        ["snapshot-revert", "--domain", ""],
    ):
        many.side.assert_same("-q", "-c", many.uri, "complete", "--", *words)


def test_round_trips_do_not_grow(side: Side, libvirtd: Libvirtd) -> None:
    chain = "".join(
        f"<test:domainsnapshot><name>s{n}</name><creationTime>{n}</creationTime><state>shutoff</state>"
        f"<active>{n // 99}</active>"
        f"{f'<parent><name>s{n - 1}</name></parent>' if n else ''}</test:domainsnapshot>"
        for n in range(100)
    )
    path = libvirtd.directory / "chain.xml"
    path.write_text(MANY.replace("<test:runstate>3</test:runstate>", f"<test:runstate>5</test:runstate>{chain}"))
    path.chmod(0o644)
    with DelayProxy(("127.0.0.1", libvirtd.port), rtt=0.05) as proxy:
        uri = libvirtd.uri_at(proxy.address, "test", path=str(path))
        for option in ("--parent", "--tree", "--name"):
            before = proxy.turns
            run = side.vsh("-c", uri, f"snapshot-list yankee {option}")
            assert len(run.stdout.splitlines()) > 100 and proxy.turns - before < 10, option


def test_a_driver_that_knows_only_the_names_of_snapshots(side: Side) -> None:
    xml = "<domainsnapshot><name>one</name><creationTime>1</creationTime><state>shutoff</state></domainsnapshot>"
    answers = {
        "domain_snapshot_num": 1,
        "domain_snapshot_list_names": ["one"],
        "domain_snapshot_lookup_by_name": DomainSnapshotRef("one", canned.DOMAIN),
        "domain_snapshot_get_xml_desc": xml,
    }
    shown = canned.same(side, answers, "snapshot-list test", "snapshot-list test --name").run.stdout
    assert " one    1970-01-01 00:00:01 +0000   shutoff\n" in shown
    canned.same(side, {**answers, "domain_snapshot_num": 0}, "snapshot-list test")
