"""The commands of the groups checkpoint and backup beside virsh's."""

from pathlib import Path

from tests.commands.conftest import Host

#: A chain: a1, B2, c3.
MADE = (
    "checkpoint-create-as test a1",
    "checkpoint-create-as test B2 --description 'the second'",
    "checkpoint-create-as test c3",
)


def test_list(host: Host) -> None:
    options = ["", "--parent", "--tree", "--name", "--roots", "--leaves", "--no-leaves", "--leaves --no-leaves"]
    options += ["--from a1", "--from a1 --descendants --parent", "--from a1 --tree", "--from B2 --tree --descendants"]
    options += ["--topological", "--topological --tree", "--topological --name --roots", "--from zz", "--from ''"]
    host.same(*MADE, *(f"checkpoint-list test {option}" for option in options), ignore=["times"])
    host.same(*(f"checkpoint-list test {option}" for option in ("", "--tree", "--name", "--parent")), quiet=True)
    host.same(*(f"checkpoint-list test {option}" for option in ("", "--tree", "--name", "--parent")), readonly=True)


def test_list_refusals(host: Host) -> None:
    pairs = ["tree --name", "parent --roots", "parent --tree", "roots --tree", "roots --from a", "leaves --tree"]
    host.same(*(f"checkpoint-list nosuch --{pair}" for pair in [*pairs, "no-leaves --tree", "descendants", "name"]))
    host.script("checkpoint-list", "checkpoint-list test a b", "checkpoint-list ''", "checkpoint-list test --current")


def test_create(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.xml"
    file.write_text("<domaincheckpoint><name>its</name><description>&lt;x&gt;</description></domaincheckpoint>")
    wrong = tmp_path / "wrong.xml"
    wrong.write_text("<disk/>")
    show = "checkpoint-list test --parent; checkpoint-dumpxml test its --no-domain"
    host.same(f"checkpoint-create test {file}", show, f"checkpoint-create test {file}", ignore=["times"])
    host.same("checkpoint-create test --quiesce", "checkpoint-list test", ignore=["times"])
    host.same(
        f"checkpoint-create test {wrong}",
        f"checkpoint-create test {wrong} --redefine",
        "checkpoint-create test --xmlfile /nonexistent",
        "checkpoint-create test --redefine-validate",
        "checkpoint-create test --redefine --redefine-validate",
        "checkpoint-create-as test a --diskspec vda,checkpoint=no",
        "checkpoint-create-as test b --diskspec vdz",
        "checkpoint-create-as nosuch a",
        "checkpoint-list test",
        ignore=["times"],
    )
    host.same("snapshot-create-as test s", "checkpoint-create-as test c")
    host.same(*MADE, quiet=True)


def test_xml_of_options(host: Host) -> None:
    begin = "checkpoint-create-as test --print-xml"
    host.same(
        begin,
        f"{begin} a d vda,checkpoint=bitmap,bitmap=z vdb vd,,c,bitmap=a,,b",
        f"{begin} '<a&\">' \"it's\" '<'",
        f"{begin} a --diskspec vda,x",
        f"{begin} a --diskspec vda,bitmap=x,bitmap=y",
        f"{begin} a --diskspec vda,snapshot=x",
        f"{begin} ''",
        f"{begin} a ''",
        "checkpoint-create-as nosuch --print-xml",
    )
    run = host.side.vsh("-c", host.uri, f"{begin} a --diskspec 'v<,bitmap=<'")
    assert "<disk name='v&lt;' bitmap='&lt;'/>" in run.stdout


def test_info_parent_and_dumpxml(host: Host) -> None:
    names = ("a1", "B2", "c3", "zz", "", "''")
    host.same(*MADE, *(f"checkpoint-info test {name}; checkpoint-parent test {name}" for name in names))
    options = ["", "--no-domain", "--security-info", "--size", "--xpath //name", "--xpath //name --wrap", "--xpath ''"]
    host.same(*MADE, *(f"checkpoint-dumpxml test B2 {option}" for option in options), ignore=["times"])
    host.same(
        "checkpoint-dumpxml test", "checkpoint-dumpxml test zz", "checkpoint-info nosuch a", "checkpoint-parent nosuch"
    )


def test_delete(host: Host) -> None:
    show = "checkpoint-list test --tree"
    for wanted in ("a1", "B2", "c3", "B2 --children", "B2 --children-only", "B2 --metadata"):
        host.same(*MADE, f"checkpoint-delete test {wanted}", show)
    host.same(
        *MADE,
        "checkpoint-delete test a1 --children --children-only",
        "checkpoint-delete test",
        "checkpoint-delete test zz",
        "checkpoint-delete test ''",
        "checkpoint-delete nosuch zz",
        show,
    )


def test_read_only(host: Host) -> None:
    host.same("checkpoint-create test", "checkpoint-create-as test a", "checkpoint-delete test a", readonly=True)


def test_backup(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "backup.xml"
    file.write_text("<domainbackup/>")
    host.same(
        "backup-begin test",
        f"backup-begin test {file}",
        f"backup-begin test {file} --reuse-external",
        f"backup-begin test {file} /nonexistent",
        "backup-begin test --backupxml /nonexistent",
        "backup-begin test ''",
        "backup-begin nosuch /nonexistent",
        "backup-dumpxml test",
        "backup-dumpxml test --xpath ''",
        "backup-dumpxml test --wrap --xpath //disk",
        "backup-dumpxml nosuch",
    )
    host.script("backup-begin", "backup-begin test a b c", "backup-dumpxml", "backup-dumpxml test a")
    host.same("backup-begin test", "backup-dumpxml test", readonly=True)


def test_json(host: Host) -> None:
    create = "checkpoint-create-as test a1; checkpoint-create-as test b2"
    answers = host.json(
        f"{create}; checkpoint-list test; checkpoint-list test --tree; checkpoint-list test --name; "
        "checkpoint-info test b2; checkpoint-parent test b2; checkpoint-delete test a1; "
        "checkpoint-create-as test --print-xml c"
    )
    domain = {"name": "test", "uuid": "6695eb01-f6a4-8304-79aa-97f2502e193f"}
    assert answers[0] == {"domain": domain, "checkpoint": "a1", "file": None}
    assert all(1.7e9 < record.pop("creation_time_seconds") < 2**32 for record in answers[2])
    assert answers[2] == answers[3] == [{"name": "a1", "parent": None}, {"name": "b2", "parent": "a1"}]
    assert answers[4] == [{"name": "a1"}, {"name": "b2"}]
    assert answers[5] == {"name": "b2", "domain": domain, "parent": "a1", "children": 0, "descendants": 0}
    assert answers[6] == {"checkpoint": "b2", "parent": "a1"}
    assert answers[7] == {"domain": domain, "checkpoint": "a1"}
    assert answers[8] == {"xml": "<domaincheckpoint>\n  <name>c</name>\n</domaincheckpoint>\n"}
