"""One command line on several saved connections."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.side import Run, Side

Vsh = Callable[..., Run]


@pytest.fixture
def vsh(side: Side, tmp_path: Path, libvirtd: Libvirtd) -> Vsh:
    """Runs vsh as somebody who has saved four connections, one of which leads nowhere."""
    (tmp_path / "vsh").mkdir()
    (tmp_path / "vsh" / "vsh.toml").write_text(
        '[hosts.near]\nuri = "test:///default"\ntags = ["good", "all"]\n\n'
        f'[hosts.far]\nuri = "{libvirtd.uri("test")}"\n'
        'tags = ["good"]\n[hosts.gone]\nuri = "test+unix:///default?socket=/nowhere"\ntags = ["all"]\n'
    )
    return lambda *argv: side.vsh(*argv, env={"XDG_CONFIG_HOME": str(tmp_path)})


def test_a_name_stands_for_its_uri(vsh: Vsh) -> None:
    assert vsh("-c", "near", "uri").stdout == "test:///default\n\n"
    run = vsh("-c", "nosuch", "uri")
    assert run.status == 1 and "failed to connect" in run.stderr


def test_the_saved_ones_are_listed(vsh: Vsh) -> None:
    assert [line.split()[0] for line in vsh("hosts").stdout.splitlines()[2:-1]] == ["near", "far", "gone"]
    assert [h["name"] for h in json.loads(vsh("--format=json", "hosts", "--tag", "all").stdout)["result"]] == [
        "near",
        "gone",
    ]


def test_tables_become_one(vsh: Vsh) -> None:
    run = vsh("-c", "near,far", "list --all")
    assert run == Run(
        " Host   Id   Name   State\n-----------------------------\n near   1    test   running\n"
        " far    1    test   running\n\n",
        "",
        0,
    )
    assert vsh("--tag", "good", "list", "--all") == run
    one = vsh("--columns=host,name", "--filter=host=far", "--tag=good", "list")
    assert one.stdout.splitlines()[2].split() == ["far", "test"]


def test_of_everything_else_each_line_has_its_host(vsh: Vsh) -> None:
    assert vsh("-q", "-c", "near,far", "domstate test").stdout == "near: running\nfar: running\n"
    run = vsh("-c", "near,far", "destroy test; domstate test; start test")
    assert run.status == 0 and "far: Domain 'test' destroyed\n" in run.stdout and "near: shut off\n" in run.stdout


def test_a_host_that_fails_is_told_and_the_others_answer(vsh: Vsh) -> None:
    run = vsh("--tag", "all", "list --name")
    assert run.stdout == "near: test\n\n" and run.status == 1
    assert run.stderr.startswith("error: gone: failed to connect to the hypervisor\nerror: Failed to connect socket")


def test_what_needs_no_host_runs_once(vsh: Vsh) -> None:
    assert vsh("-c", "near, far", "hosts") == vsh("hosts")


def test_a_status_without_words_is_no_error_line(vsh: Vsh) -> None:
    run = vsh("-q", "-c", "near,far", "event --all --timeout 1")
    assert run.status == 1 and run.stderr == "" and "far: event loop timed out" in run.stdout


def test_what_failed_where_is_logged(vsh: Vsh, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for form in ("plain", "json"):
        assert vsh(f"--format={form}", "-l", str(log), "-c", "near,gone", "domstate test").status == 1
    kept = log.read_text()
    assert kept.count("gone: failed to connect to the hypervisor") == 2 and "near" not in kept
    told = vsh("-d", "1", "-c", "near,far", "domstate test")
    assert told.status == 0 and "domstate: domain(optdata): test" in told.stdout
    assert vsh("-l", "/nosuch/log", "-c", "near,far", "uri").status == 1


def test_json_is_keyed_by_host(vsh: Vsh) -> None:
    run = vsh("--format=json", "-c", "near,gone", "domstate test")
    answer = json.loads(run.stdout)
    assert run.status == 1 and run.stderr == "" and answer["schema_version"] == 1 and answer["command"] == "domstate"
    assert answer["hosts"]["near"] == {"result": {"state": "running", "reason": "unknown"}}
    assert answer["hosts"]["gone"]["error"]["message"] == "failed to connect to the hypervisor"


def test_formats_of_lines_have_the_host_in_each(vsh: Vsh) -> None:
    lines = vsh("--format=csv", "-c", "near,far", "domstate test").stdout.splitlines()
    assert lines == ["host,state,reason", "near,running,unknown", "far,running,unknown"]
    rows = [json.loads(line) for line in vsh("--format=ndjson", "-c", "near,far", "list").stdout.splitlines()]
    assert [row["result"]["host"] for row in rows] == ["near", "far"]


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["-c", "near,far", "console test"], "'console' works on one host at a time"),
        (["-c", "near,far", "edit test"], "'edit' works on one host at a time"),
        (["-c", "near,far", "start --console test"], "'start' works on one host at a time"),
        (["-c", "near,nosuch", "list"], "no saved connection is called 'nosuch'"),
        (["--tag", "nosuch", "list"], "no saved connection has the tag 'nosuch'"),
        (["-c", "near,far", "list --nosuch"], "command 'list' doesn't support option --nosuch"),
        (["-c", "near,far"], "a script on standard input works on one host at a time"),
        (["-c", "near", "--tag", "all,", "list"], "none of near has the tag 'all,'"),
    ],
)
def test_refusals(vsh: Vsh, argv: list[str], fault: str) -> None:
    assert vsh(*argv) == Run("", f"error: {fault}\n", 1)


@pytest.mark.parametrize("option", ["--columns=nosuch", "--filter=nosuch=1", "--sort=nosuch"])
def test_columns_that_are_not_there_are_refused(vsh: Vsh, option: str) -> None:
    fault = "error: there is no column 'nosuch': use host, id, name, state, uuid\n"
    assert vsh("-c", "near,far", option, "list") == Run("\n", fault, 1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[hosts.a]\n", "hosts.a has no uri"),
        ('[hosts."a,b"]\nuri = "test:///default"\n', "'a,b' cannot name a connection"),
        ('[hosts.a]\nuri = "x"\ntags = "y"\n', "the tags of hosts.a are not a list of texts"),
        ("[hosts\n", "vsh.toml: "),
        ('agent_idle = "10m"\n', "agent_idle is not a number of seconds"),
        ('[host.a]\nuri = "x"\n', "there is no setting 'host': use agent_idle or hosts"),
        ('[hosts.a]\nuri = "x"\ntag = "y"\n', "there is no setting 'hosts.a.tag': use uri or tags"),
    ],
)
def test_a_broken_file(side: Side, tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "vsh").mkdir()
    (tmp_path / "vsh" / "vsh.toml").write_text(text)
    for argv in (["hosts"], ["-c", "a", "list"], ["--tag", "x", "list"]):
        run = side.vsh(*argv, env={"XDG_CONFIG_HOME": str(tmp_path)})
        assert run.status == 1 and fault in run.stderr and "Traceback" not in run.stderr
