"""Errors: one line that says what is wrong, where, and what to do; never a traceback unless it is asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.side import Side
from vsh.commands.context import Context
from vsh.commands.declare import command
from vsh.options import Options, parse
from vsh.parser import Parsed
from vsh.session import Session

#: Lines with more than one fault.
TWICE_WRONG = (
    "allocpages x y --cellno z",
    "allocpages x y",
    "freepages --pagesize x --cellno z",
    "freepages --pagesize 4 --cellno z",
    "checkpoint-list nope --from ''",
    "domdisplay nope --all --type vnc",
    "domsetlaunchsecstate test --set-address x",
    "domsetlaunchsecstate nope --set-address x",
    "domsetlaunchsecstate test --set-address x --secret /dev/null --secrethdr /dev/null",
    "iothreadset test 0 --poll-grow x",
    "net-port-list nope --uuid --table",
    "pool-list --all --inactive",
    "pool-start nope --overwrite --no-overwrite",
    "pool-start default-pool --overwrite --no-overwrite",
    "set-user-sshkeys test u --remove --reset",
    "set-user-sshkeys nope u --remove --reset --file x",
    "update-memory-device test --requested-size x",
    "update-memory-device test --requested-size x --node y",
    "vcpucount nope --current --live --active",
    "vcpupin nope --live --config --vcpu x",
    "vcpupin nope --vcpu x --cpulist 0",
)

DOMAIN = """\
<domain type='test'>
  <name>x</name>
  <memory>1024</memory>
  <os><type>hvm</type></os>
  <devices>
    <disk type='file'{}>
      <target dev='vda'/>{}
    </disk>
  </devices>{}
</domain>
"""


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        (("", "<sorce/>", ""), "unknown element 'sorce' in element 'disk' at line 7, column 26"),
        ((" devize='cdrom'", "", ""), "unknown attribute 'devize' in element 'disk' at line 6, column 23"),
        (("", "", "<devicez/>"), "unknown element 'devicez' in element 'domain' at line 9, column 13"),
    ],
)
def test_schema_faults_name_their_place(host: Host, tmp_path: Path, parts: tuple[str, ...], fault: str) -> None:
    path = tmp_path / "faulty.xml"
    path.write_text(DOMAIN.format(*parts))
    run = host.side.vsh("--format", "json", "-c", host.uri, f"define --validate {path}")
    error = json.loads(run.stderr)["error"]
    assert f"{fault}; expected there: " in f"{error['cause'].partition('schema: ')[2]}; {error['hint']}"
    assert run.status == 1 and "Traceback" not in run.stderr


def test_faults_of_syntax_name_line_and_column(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "faulty.xml"
    path.write_text(DOMAIN.format("", "", "").replace("</os>", "</so>"))
    host.same(f"define {path}", f"create {path}")
    error = json.loads(host.side.vsh("--format", "json", "-c", host.uri, f"define {path}").stderr)["error"]
    assert error["hint"] == "line 4, column 28" and ":4: Opening and ending tag mismatch" in error["cause"]


def test_schema_fault_at_a_terminal(side: Side, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's,</devices>,<sorce/></devices>,' $1\n")
    editor.chmod(0o755)
    with side.terminal("vsh", "-c", "test:///default", "edit test", env={"EDITOR": str(editor)}) as terminal:
        terminal.expect("unknown element 'sorce' in element 'devices' at line ")
        terminal.expect("hint: expected there: ")
        terminal.expect("Try again? [y,n,i,f,?]: ")
        terminal.send("n")
        terminal.finish()


def test_the_first_fault_is_virshs(host: Host) -> None:
    host.script(*TWICE_WRONG, env={"COLUMNS": "200"})  # readline cuts the echo of long lines


def test_odd_numbers(host: Host) -> None:
    host.script(
        *(f"memtune test --hard-limit '{size}'" for size in ("3 ", "3 KiB", " 3", "3x", "+-3", "", " ", "1.5")),
        *(f"setvcpus test {count}" for count in (2**31, 2**32 - 6, 2**32)),
        *(f"{command} test 0 {where}" for command in ("setmem", "setmaxmem") for where in ("", "--live", "--current")),
        "iothreadpin test 4294967290 0",
        "dumpxml test --xpath //memory/../currentMemory",
    )


def test_near_misses_are_for_people(side: Side) -> None:
    for line, near in (("domstat test", "did you mean 'domst"), ("list --al", "did you mean --all")):
        side.assert_same("-c", "test:///default", line)
        with side.terminal("vsh", "-c", "test:///default", line) as terminal:
            shown, status = terminal.finish()
            assert near in shown and status == 1
        told = json.loads(side.vsh("--format", "json", "-c", "test:///default", line).stderr)
        assert near in told["error"]["hint"]


@command("break", "virsh", connects=False)
def break_(ctx: Context) -> None:
    """Fail in a way that nobody foresaw."""
    raise ZeroDivisionError("no such number")


@pytest.fixture
def broken() -> Callable[[Options], bool]:
    return lambda options: Session(options).run([Parsed(break_.command, {})])  # type: ignore[attr-defined]


def test_internal_errors(broken: Callable[[Options], bool], capsys: pytest.CaptureFixture[str]) -> None:
    assert not broken(parse(["list"]))
    assert capsys.readouterr().err == "error: internal error: ZeroDivisionError: no such number\n"
    assert not broken(parse(["-d", "4", "list"]))
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last):\n") and told.endswith("no such number\n")
    assert not broken(parse(["--format", "json", "list"]))
    assert json.loads(capsys.readouterr().err)["error"]["hint"].startswith("run again with --debug=0")
