"""Network filters and their bindings: nwfilter-*, on the filter driver of a real libvirtd."""

from pathlib import Path

import pytest

from tests.commands.conftest import Host

ONE, TWO = "55555555-aaaa-2222-3333-444444444444", "66555555-aaaa-2222-3333-444444444444"
XML = {
    "one": f"""<filter name='vsh-one' chain='root'><uuid>{ONE}</uuid>
<rule action='drop' direction='in' priority='500'><ip srcipaddr='1.2.3.4'/></rule></filter>""",
    "two": f"""<filter name='Vsh two' chain='ipv4' priority='-700'><uuid>{TWO}</uuid>
<filterref filter='vsh-one'/><rule action='accept' direction='inout'>
<ip match='no' srcipaddr='$IP' protocol='tcp' dstportstart='80'/></rule></filter>""",
    "binding": """<filterbinding><owner><name>g</name><uuid>66555555-bbbb-2222-3333-444444444444</uuid></owner>
<portdev name='vshnone'/><mac address='52:54:00:00:00:01'/>
<filterref filter='vsh-one'><parameter name='IP' value='1.2.3.4'/></filterref></filterbinding>""",
    "other": "<domain/>",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in XML.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def lines(files: Path) -> list[str]:
    return [
        "nwfilter-list",
        f"nwfilter-define {files / 'one'}",
        f"nwfilter-define {files / 'two'} --validate",
        f"nwfilter-define {files / 'two'}",
        f"nwfilter-define {files / 'other'}",
        f"nwfilter-define {files / 'absent'}",
        "nwfilter-list",
        "nwfilter-dumpxml vsh-one",
        "nwfilter-dumpxml 'Vsh two'",
        f"nwfilter-dumpxml {TWO} --xpath //rule",
        "nwfilter-dumpxml nosuch",
        "nwfilter-dumpxml ''",
        f"nwfilter-dumpxml {TWO[:-1]}0",
        "nwfilter-binding-list",
        f"nwfilter-binding-create {files / 'binding'}",
        f"nwfilter-binding-create {files / 'binding'}",
        f"nwfilter-binding-create {files / 'binding'} --validate",
        f"nwfilter-binding-create {files / 'other'}",
        f"nwfilter-binding-create {files / 'absent'}",
        "nwfilter-binding-list",
        "nwfilter-binding-dumpxml vshnone",
        "nwfilter-binding-dumpxml vshnone --xpath //owner/name",
        "nwfilter-binding-dumpxml nosuch",
        "nwfilter-binding-dumpxml ''",
        "nwfilter-undefine vsh-one",
        "nwfilter-binding-delete nosuch",
        "nwfilter-binding-delete ''",
        "nwfilter-binding-delete vshnone",
        "nwfilter-undefine nosuch",
        "nwfilter-undefine ''",
        f"nwfilter-undefine {TWO}",
        "nwfilter-undefine vsh-one",
        "nwfilter-list",
        "nwfilter-binding-list",
    ]


def test_lifecycle(system: Host, files: Path) -> None:
    run = system.same(*lines(files))
    assert "Network filter binding on vshnone deleted" in run.stdout and "undefined" in run.stdout
    system.same(*lines(files), quiet=True)


def test_refusals(system: Host, files: Path) -> None:
    system.same(*lines(files)[:15], "nwfilter-undefine vsh-one", readonly=True)
    system.script("nwfilter-define", "nwfilter-list --all", "nwfilter-binding-create", "nwfilter-undefine a b")


def test_drivers_without_filters(host: Host, files: Path) -> None:
    host.same(*lines(files))
    host.same(*lines(files), readonly=True, quiet=True)


def test_json(system: Host, files: Path) -> None:
    made = [f"nwfilter-define {files / 'one'}", f"nwfilter-binding-create {files / 'binding'}", "nwfilter-binding-list"]
    answers = system.json(
        "; ".join([*made, "nwfilter-list", "nwfilter-binding-delete vshnone", "nwfilter-undefine vsh-one"])
    )
    assert answers[0]["filter"] == {"name": "vsh-one", "uuid": ONE}
    assert answers[2] == [{"port_dev": "vshnone", "filter": "vsh-one"}]
    assert {"name": "vsh-one", "uuid": ONE} in answers[3]
