"""Editing definitions with scripted editors: beside virsh, and where vsh does more."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side

Editor = Callable[..., dict[str, str]]
HOST = ["-c", "test:///default"]


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    """The environment in which a shell script, given the file as $1, is the editor."""

    def make(script: str, variable: str = "EDITOR") -> dict[str, str]:
        path = tmp_path / f"{variable.lower()}-{len(list(tmp_path.iterdir()))}.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return {variable: str(path), "TMPDIR": str(tmp_path)}

    return make


def left(folder: Path) -> list[Path]:
    """The files that editing left behind."""
    return list(folder.glob("vsh*.xml")) + list(folder.glob("virsh*.xml"))


def test_as_virsh(host: Host, editor: Editor, tmp_path: Path) -> None:
    smaller = editor("sed -i s/8388608/8388600/ $1")
    host.same("edit test", "dumpxml --inactive test", "dumpxml test", env=smaller)
    host.same("edit test", quiet=True, env=smaller)
    host.same("edit test --skip-validate", "dumpxml --inactive test", env=smaller)
    host.same("edit test", env=editor("true"))
    host.same("edit nosuch", "edit", "edit test --bogus", env=editor("true"))
    host.same("edit test", "managedsave-edit test", "save-image-edit /nonexistent", readonly=True, env=editor("true"))
    host.same("save-image-edit /nonexistent", "managedsave-edit nosuch", env=editor("true"))
    host.same("save-image-edit x --running --paused", "managedsave-edit test --paused --running", env=editor("true"))
    assert not left(tmp_path)


def test_what_the_editor_is_shown(host: Host, editor: Editor, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    host.side.vsh("-c", host.uri, "edit test", env=editor(f"cp $1 {shown}; stat -c %a $1 >{shown}.mode"))
    assert shown.read_text() == host.side.virsh("-c", host.uri, "dumpxml --inactive test").stdout.removesuffix("\n")
    assert Path(f"{shown}.mode").read_text() == "600\n"


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$", "rm $1"])
def test_editors_that_fail(host: Host, editor: Editor, tmp_path: Path, script: str) -> None:
    host.same("edit test", env=editor(script), ignore=["edited-file"])
    assert not left(tmp_path)


def test_which_editor(host: Host, editor: Editor, tmp_path: Path) -> None:
    both = editor("exit 4") | editor("exit 5", "VISUAL")
    host.same("edit test", env=both, ignore=["edited-file"])
    host.same("edit test", env={"EDITOR": "nosucheditor --flag", "TMPDIR": str(tmp_path)}, ignore=["edited-file"])
    host.same("edit test", env={"EDITOR": "echo several words;true", "TMPDIR": str(tmp_path)}, ignore=["edited-file"])
    host.same("edit test", env=editor("true") | {"TMPDIR": "/nonexistent"})
    run = host.side.vsh("-c", host.uri, "edit test", env={"EDITOR": "/nonexistent"})
    assert run == ("\n", "error: cannot execute binary /nonexistent: No such file or directory\n", 1)


def test_refused_text_is_kept_and_nothing_is_changed(host: Host, editor: Editor, tmp_path: Path) -> None:
    """virsh says it edited the domain '(null)', and throws the text away."""
    for script in ("sed -i 's/<memory/<meory/' $1", "echo >$1", "sed -i 's/<os>/<os><bogus>1<.bogus>/' $1"):
        run = host.side.vsh("-c", host.uri, "edit test; dumpxml test --inactive", env=editor(script))
        kept, failed, cause, *_ = run.stderr.splitlines()
        assert failed == "error: Failed." and cause.startswith("error: ")
        path = Path(re.fullmatch(r"error: the edited text is kept in '(.*)'", kept)[1])  # type: ignore[index]
        assert left(tmp_path) == [path] and "8388608" in run.stdout
        path.unlink()
        assert host.side.vsh("-c", host.uri, "edit test", env=editor(script)).status == 1
        left(tmp_path)[0].unlink()
    run = host.side.vsh("-c", host.uri, "edit test", env=editor("sed -i s/8388608/9/ $1; exit 1"))
    assert run.status == 1 and "9</memory>" in left(tmp_path)[0].read_text()


def test_print_diff(host: Host, editor: Editor) -> None:
    [told, done] = host.json("edit test --print-diff", env=editor("sed -i s/8388608/8388600/ $1"))
    assert "-  <memory unit='KiB'>8388608</memory>\n+  <memory unit='KiB'>8388600</memory>\n" in told["diff"]
    assert done["changed"] is True and done["domain"]["name"] == "test"
    [told, done] = host.json("edit test --print-diff", env=editor("true"))
    assert (told["diff"], done["changed"]) == ("", False)


@pytest.mark.parametrize("program", ["virsh", "vsh"])
def test_going_on_after_an_error(side: Side, editor: Editor, tmp_path: Path, program: str) -> None:
    """The first time the editor breaks the text, then it mends it."""
    env = editor("grep -q meory $1 && exec sed -i s/meory/memory/g $1; sed -i 's/<memory/<meory/' $1")
    with side.terminal(program, *HOST, "edit test", env=env) as terminal:
        terminal.expect("error: (domain_definition):4: Opening and ending tag mismatch")
        terminal.expect("Failed. Try again? [y,n,i,f,?]: ")
        terminal.send("?")
        terminal.expect("y - yes, start editor again\r\nn - no, throw away my changes\r\n")
        terminal.expect("f - force, try to redefine again\r\n? - print this help\r\n\rFailed. Try again? ")
        terminal.send("i")
        terminal.expect("Failed. Try again? [y,n,f,?]: ")
        terminal.send("Y")
        shown, status = terminal.finish()
        assert "Domain 'test' XML configuration not changed." in shown and status == 0
    with side.terminal(program, *HOST, "edit test", env=env) as terminal:
        terminal.expect("Failed. Try again? [y,n,i,f,?]: ")
        terminal.send("n")
        shown, status = terminal.finish()
        assert (shown.strip(), status) == ("", 1)
    assert not left(tmp_path)


def test_the_place_of_a_fault_is_told(side: Side, editor: Editor) -> None:
    with side.terminal("vsh", *HOST, "edit test", env=editor("sed -i 's/<memory/<meory/' $1")) as terminal:
        terminal.expect("hint: line 4, column 37\r\n")
        terminal.expect("?]: ")
        terminal.send("n")
        terminal.finish()


@pytest.mark.parametrize("program", ["virsh", "vsh"])
def test_changed_meanwhile(
    libvirtd: Libvirtd, side: Side, editor: Editor, define: Callable[..., None], tmp_path: Path, program: str
) -> None:
    uri = libvirtd.uri("qemu")
    xml = "<domain type='qemu'><name>edited</name><memory>65536</memory><os><type>hvm</type></os>{}</domain>"
    define(uri, xml.format(""))
    uuid = side.virsh("-c", uri, "domuuid edited").stdout.strip()
    other = tmp_path / "other.xml"
    other.write_text(xml.format(f"<uuid>{uuid}</uuid><title>other</title>"))
    again = tmp_path / "again"
    env = editor(
        f"test -e {again} || virsh -c '{uri}' define {other} >/dev/null; touch {again}; sed -i s/65536/32768/g $1"
    )
    with side.terminal(program, "-c", uri, "edit edited", env=env) as terminal:
        terminal.expect("The XML configuration was changed by another user. Try again? [y,n,i,f,?]: ")
        assert "other" in side.virsh("-c", uri, "dumpxml edited").stdout
        terminal.send("f")
        shown, status = terminal.finish()
        assert "Domain 'edited' XML configuration edited." in shown and status == 0
    stored = side.virsh("-c", uri, "dumpxml edited").stdout
    assert "other" not in stored and "32768" in stored


def test_changed_meanwhile_without_a_terminal(
    libvirtd: Libvirtd, side: Side, editor: Editor, define: Callable[..., None], tmp_path: Path
) -> None:
    uri = libvirtd.uri("qemu")
    define(uri, "<domain type='qemu'><name>gone</name><memory>65536</memory><os><type>hvm</type></os></domain>")
    env = editor(f"sed -i s/65536/32768/g $1; virsh -c '{uri}' desc gone --title other >/dev/null")
    run = side.vsh("-c", uri, "edit gone", env=env)
    assert (run.stdout, run.status) == ("\n", 1)
    assert run.stderr.endswith("error: The XML configuration was changed by another user.\n")
    assert "32768" in left(tmp_path)[0].read_text()
    assert "32768" not in side.virsh("-c", uri, "dumpxml gone").stdout
    left(tmp_path)[0].unlink()
    env = editor(f"sed -i s/65536/32768/g $1; virsh -c '{uri}' undefine gone >/dev/null")
    run = side.vsh("-c", uri, "edit gone", env=env)
    assert run.stderr.splitlines()[1].startswith("error: Domain not found") and run.status == 1
    assert "32768" in left(tmp_path)[0].read_text()


def test_ctrl_c_belongs_to_the_editor(side: Side, editor: Editor) -> None:
    env = editor("trap 'echo caught; exit 0' INT; echo ready; while :; do sleep 0.1; done")
    with side.terminal("vsh", *HOST, "edit test", env=env) as terminal:
        terminal.expect("ready")
        terminal.send("\x03")
        terminal.expect("caught")
        shown, status = terminal.finish()
        assert "not changed" in shown and status == 0


def test_networks_and_pools(host: Host, editor: Editor) -> None:
    host.same("net-edit default", "pool-edit default-pool", env=editor("true"))
    host.same("net-edit nosuch", "pool-edit nosuch", "net-edit", "pool-edit", env=editor("false"))
    other = editor("sed -i 's/192.168.122.254/192.168.122.100/; s/0700/0711/' $1")
    shown = ("net-dumpxml default", "pool-dumpxml default-pool")
    host.same("net-edit default", "pool-edit default-pool", *shown, env=other)
    host.same("net-edit default", "pool-edit default-pool", readonly=True, env=editor("true"))
    [done] = host.json("net-edit default", env=other)
    assert (done["network"]["name"], done["changed"]) == ("default", True)


def test_snapshots(libvirtd: Libvirtd, side: Side, editor: Editor) -> None:
    host = Host(side, libvirtd.uri("test"))
    made = "snapshot-create-as test s1"
    host.same(made, "snapshot-edit test s1", "snapshot-edit test --current", "snapshot-edit test", env=editor("true"))
    host.same("snapshot-create-as test s0", made, "snapshot-edit test s0 --current", "snapshot-current test --name",
              "snapshot-edit test s0", env=editor("true"))  # fmt: skip
    host.same("snapshot-edit test nosuch", "snapshot-edit test s1 --rename --clone", env=editor("true"))
    described = editor("sed -i 's/<state>/<description>told<\\/description><state>/' $1")
    [*_, done, shown] = host.json(f"{made}; snapshot-edit test s1; snapshot-dumpxml test s1", env=described)
    assert done["changed"] and "<description>told</description>" in shown["xml"]
    named = editor("sed -i 's/<name>s1</<name>s2</' $1")
    for option in ("", "--rename", "--clone"):
        host.same(made, f"snapshot-edit test s1 {option}", "snapshot-list test --name", env=named)


def test_descriptions(host: Host, editor: Editor) -> None:
    same = ["desc test --edit --new-desc hello", "desc test", "desc test --edit --new-desc hello", "desc test --edit"]
    host.same(*same, env=editor("true"))


def test_checkpoints(host: Host, editor: Editor) -> None:
    host.same("checkpoint-edit test nosuch", "checkpoint-edit test", "checkpoint-edit nosuch x", env=editor("true"))


def test_a_checkpoint_is_changed(host: Host, editor: Editor, domain_file: Callable[..., Path]) -> None:
    host.same(
        f"create {domain_file('edited')}", "checkpoint-create-as edited c1 before", "checkpoint-edit edited c1",
        "checkpoint-dumpxml edited c1 --xpath //description", "checkpoint-edit edited c1",
        env=editor("sed -i 's|before|after|' $1"),
    )  # fmt: skip


def test_a_saved_state_is_changed(side: Side, editor: Editor, tmp_path: Path) -> None:
    path, show = tmp_path / "state", "--xpath /domain/on_reboot"
    side.assert_same(
        "-c", "test:///default",
        f"save test {path}; save-image-edit {path}; save-image-dumpxml {path} {show}; restore {path}; "
        f"dumpxml test {show}; save-image-edit {path} --paused",
        env=editor("sed -i '/on_reboot/s|restart|destroy|' $1"), timeout=10, tries=4,
    )  # fmt: skip


def test_a_managed_save_is_changed(start_guest: Callable[..., Host], editor: Editor) -> None:
    qemu = start_guest()
    change = editor("sed -i '/on_reboot/s|restart|destroy|' $1")
    [_, done, _] = qemu.json("managedsave guest; managedsave-edit guest; start guest", env=change)
    assert done["domain"]["name"] == "guest"
    wanted = qemu.side.virsh("-c", qemu.uri, "dumpxml guest --xpath /domain/on_reboot").stdout
    assert wanted == "<on_reboot>destroy</on_reboot>\n\n"


def test_interfaces_and_filters(host: Host, editor: Editor, libvirtd: Libvirtd) -> None:
    host.same("iface-edit eth1", "iface-edit nosuch", "iface-edit", "nwfilter-edit x", env=editor("true"))
    real = Host(host.side, libvirtd.uri("qemu"))
    real.same("nwfilter-edit nosuch", "nwfilter-edit", "iface-edit nosuch", env=editor("true"))
