"""Networks: net-*."""

from pathlib import Path

import pytest

from tests.commands.conftest import Host

UUID = "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d100"
XML = f"""\
<network>
  <name>fresh</name>
  <uuid>{UUID}</uuid>
  <forward mode='nat'/>
  <bridge name='virbr7'/>
  <ip address='10.1.1.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.1.1.2' end='10.1.1.99'/>
    </dhcp>
  </ip>
</network>
"""
PORT = "<networkport><owner><name>guest</name></owner></networkport>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fresh.xml"
    path.write_text(XML)
    (tmp_path / "Other.xml").write_text(f"<network><name>Other net</name><uuid>{UUID[:-1]}1</uuid></network>")
    (tmp_path / "port.xml").write_text(PORT)
    return path


def test_lifecycle(host: Host, file: Path) -> None:
    look = "net-info fresh; net-list --all; net-dumpxml fresh"
    for quiet in (False, True):
        host.same(
            f"net-define {file}", look, f"net-define {file}", "net-start fresh", "net-start fresh", look,
            f"net-define {file}", f"net-create {file}", "net-undefine fresh", "net-autostart fresh", "net-info fresh",
            "net-autostart fresh --disable", look, "net-destroy fresh", look, f"net-undefine {UUID}", look,
            "net-destroy fresh", quiet=quiet,
        )  # fmt: skip
    host.same(f"net-create {file}", look, f"net-destroy {UUID}", look, "net-destroy default", "net-start default")
    host.same(f"net-create {file}", "net-autostart fresh", "net-undefine fresh", "net-list --all --name")


def test_list(host: Host, file: Path) -> None:
    make = f"net-define {file}; net-create {file.parent / 'Other.xml'}"
    flags = ["", "--inactive", "--all", "--persistent", "--transient", "--autostart", "--no-autostart", "--name",
             "--uuid", "--table", "--all --transient --autostart", "--all --persistent --no-autostart"]  # fmt: skip
    for quiet in (False, True):
        host.same(
            make.replace("Other.xml", "absent.xml"), *(f"net-list {flag}" for flag in flags), "net-autostart fresh",
            *(f"net-list --all {flag}" for flag in flags), quiet=quiet,
        )  # fmt: skip
    host.same(make, "net-list --all --name", "net-info 'Other net'", "net-list --all")
    host.same("net-list --name --uuid", "net-list --table --name", "net-list x", "net-list --nosuch")


def test_list_with_titles(host: Host, file: Path) -> None:
    run = host.side.vsh("-c", host.uri, "net-list --title")
    header, line, row = run.stdout.splitlines()[:3]
    assert header == " Name      State    Autostart   Persistent   Title"
    assert line == "-" * 52
    assert row.rstrip() == " default   active   no          yes"
    (networks,) = host.json("net-list --title --all")
    assert networks[0]["title"] == ""


def test_lookups(host: Host) -> None:
    default = "dd8fe884-6c02-601e-7551-cca97df1c5df"
    words = ["default", default, default.upper(), default[:-1], default[:-1] + "g", default[:-1] + "0", "nosuch"]
    for command in ("net-name", "net-uuid", "net-info", "net-dumpxml"):
        host.same(*(f"{command} {word}" for word in words))
    host.same("net-info ''", "net-start ''", "net-destroy ''", "net-uuid ''", "net-port-list ''", "net-dhcp-leases ''")


def test_dumpxml(host: Host) -> None:
    paths = ["//ip", "//range/@start", "//nosuch", "count(//ip)"]
    host.same("net-dumpxml default", "net-dumpxml default --inactive")
    host.same(*(f"net-dumpxml default --xpath '{path}' {wrap}" for path in paths for wrap in ("", "--wrap")))
    host.same("net-dumpxml default --xpath ''", "net-dumpxml nosuch --xpath ''", "net-dumpxml default --wrap")


def test_define_refusals(host: Host, file: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "domain").write_text("<domain/>")
    (tmp_path / "renamed").write_text(XML.replace("fresh", "renamed"))
    (tmp_path / "taken").write_text(XML.replace("fresh", "default"))
    names = ["text", "domain", "taken", "absent"]
    for command in ("net-define", "net-create"):
        host.same(*(f"{command} {tmp_path / name}" for name in names), f"{command} /dev/null", f"{command} ''")
        host.same(f"{command} {file}", f"{command} {tmp_path / 'renamed'}", "net-list --all")
        host.same(f"{command} {file} --validate", "net-list --all")


@pytest.mark.parametrize("active", [True, False])
def test_update(host: Host, file: Path, active: bool) -> None:
    dhcp = '<host mac="52:54:00:00:00:01" ip="10.1.1.5" name="x"/>'
    (file.parent / "host.xml").write_text(dhcp)
    prepare = [f"net-define {file}", *(["net-start fresh"] if active else [])]
    updates = [
        f"add ip-dhcp-host '{dhcp}'",
        f"add ip-dhcp-host '{dhcp}'",
        'modify ip-dhcp-host \'<host mac="52:54:00:00:00:01" ip="10.1.1.6"/>\' --config',
        "delete ip-dhcp-host '<host mac=\"52:54:00:00:00:01\"/>' --live",
        "delete ip-dhcp-host '<host mac=\"52:54:00:00:00:01\"/>' --live --config",
        f"add-first ip-dhcp-host {file.parent / 'host.xml'} --parent-index 0 --current",
    ]
    for quiet in (False, True):
        host.same(
            *prepare, *(f"net-update fresh {update}; net-dumpxml fresh" for update in updates), "net-destroy fresh",
            "net-dumpxml fresh", quiet=quiet,
        )  # fmt: skip


def test_update_refusals(host: Host) -> None:
    host.script(
        "net-update",
        "net-update default",
        "net-update default add",
        "net-update default add portgroup",
        "net-update nosuch nosuch nosuch nosuch",
        "net-update default nosuch nosuch nosuch",
        "net-update default '' portgroup x",
        "net-update default none portgroup x",
        "net-update default add nosuch nosuch",
        "net-update default add none x",
        "net-update default add '' x",
        "net-update default add portgroup ''",
        "net-update default add portgroup /nonexistent",
        "net-update default add portgroup <x --parent-index x",
        "net-update default add portgroup <x/> --parent-index 99999999999",
        "net-update default add portgroup <x --current --live",
        "net-update default add portgroup <x --current --config",
        "net-update default add portgroup <x",
        "net-update default add bridge <bridge/>",
        "net-update default add domain <domain/>",
        "net-update default add ip <ip/>",
        "net-update default add forward <forward/>",
        "net-update default add ip-dhcp-range <range/> --parent-index 3",
    )


def test_ports_and_leases(host: Host, file: Path) -> None:
    port = file.parent / "port.xml"
    host.same("net-port-list default", "net-port-list default --uuid", "net-port-list default --table --uuid")
    host.same(f"net-port-create default {port}", f"net-port-create default {port} --validate", "net-port-list default")
    host.same(*(f"{command} default {word}" for command in ("net-port-dumpxml", "net-port-delete")
                for word in (UUID, "x", "''")))  # fmt: skip
    host.same("net-port-create default /nonexistent", "net-port-create nosuch x", "net-port-list nosuch")
    host.same("net-dhcp-leases default", "net-dhcp-leases default 52:54:00:00:00:01", "net-dhcp-leases nosuch",
              "net-dhcp-leases default --mac ''")  # fmt: skip


def test_read_only(host: Host, file: Path) -> None:
    changes = [f"net-define {file}", f"net-create {file} --validate", "net-start default", "net-destroy default",
               "net-undefine default", "net-autostart default", "net-update default add portgroup <portgroup/>",
               f"net-port-create default {file}"]  # fmt: skip
    host.same(*changes, "net-list --all", "net-info default", "net-dumpxml default", readonly=True)


def test_json(host: Host, file: Path) -> None:
    fresh = {"name": "fresh", "uuid": UUID}
    made, listed, info, updated = host.json(
        f"net-define {file}; net-list --inactive; net-info fresh; "
        "net-update fresh add portgroup \"<portgroup name='g'/>\""
    )
    assert made == {"network": fresh, "file": str(file)}
    state = {"active": False, "persistent": True, "autostart": False}
    assert listed == [fresh | state]
    assert info == fresh | state | {"bridge": "virbr7"}
    assert updated == {"network": fresh, "section": "portgroup", "config": True, "live": False}


def test_metadata(host: Host) -> None:
    """The newer commands on drivers that have no metadata of networks, as libvirt 9.0.0's have none."""
    side, uri = host.side, host.uri
    assert side.vsh("-c", uri, "net-desc default").stdout == "No description for network: default\n"
    assert side.vsh("-q", "-c", uri, "net-desc default --title").stdout == ""
    run = side.vsh("-c", uri, "net-desc default --title a b")
    assert run.status == 1 and run.stderr.startswith("error: Failed to set new network title\nerror: ")
    run = side.vsh("-c", uri, "net-metadata default http://x --set '<a/>'")
    assert run.stderr == "error: namespace key is required when modifying metadata\n"
    run = side.vsh("-c", uri, "net-metadata default http://x --set '<a/>' --remove")
    assert run.stderr == "error: Options --remove and --set are mutually exclusive\n"
    run = side.vsh("-c", uri, "net-metadata default http://x")
    assert run.status == 1 and run.stderr.startswith("error: ")
    assert host.json("net-desc default") == [{"description": None}]


def test_editing_metadata(host: Host) -> None:
    """An editor that changes nothing, and one whose text cannot be stored."""
    keep, change = {"VISUAL": "true"}, {"VISUAL": "sed -i 1s/^/new/"}
    for words, what in (("", "description"), (" --title", "title")):
        run = host.side.vsh("-c", host.uri, f"net-desc default{words} --edit", env=keep)
        assert (run.stdout, run.status) == (f"Network {what} not changed\n\n", 0)
        run = host.side.vsh("-c", host.uri, f"net-desc default{words} --edit old", env=change)
        assert run.status == 1 and f"error: Failed to set new network {what}\n" in run.stderr
    run = host.side.vsh("-c", host.uri, "net-metadata default http://x --key k --edit", env=keep)
    assert (run.stdout, run.status) == ("Metadata not changed\n", 0)
