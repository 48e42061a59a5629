"""--format, --columns, --sort and --filter: one schema in every format."""

import csv
import io
import json
from typing import Any

import pytest
import yaml

from tests.commands.conftest import Host


def answers(host: Host, form: str, command: str, *options: str) -> list[Any]:
    """The results in a format that wraps them."""
    run = host.side.vsh("--format", form, *options, "-c", host.uri, command)
    assert (run.status, run.stderr) == (0, "")
    read = yaml.safe_load_all(run.stdout) if form == "yaml" else map(json.loads, run.stdout.splitlines())
    whole = list(read)
    assert all(list(one) == ["schema_version", "command", "result"] for one in whole)
    return [one["result"] for one in whole]


def table(host: Host, form: str, command: str, *options: str) -> list[dict[str, str]]:
    run = host.side.vsh("--format", form, *options, "-c", host.uri, command)
    assert (run.status, run.stderr) == (0, "")
    return list(csv.DictReader(io.StringIO(run.stdout)))


def test_all_formats_say_the_same(many: Host) -> None:
    [wanted] = answers(many, "json", "list --all --title")
    assert {row["name"] for row in wanted} >= {"Alpha beta", "日本", "zulu"}
    assert answers(many, "yaml", "list --all --title") == [wanted]
    assert answers(many, "ndjson", "list --all --title") == wanted
    rows = table(many, "csv", "list --all --title")
    assert rows == [{k: "" if v is None else str(v) for k, v in row.items()} for row in wanted]


def test_several_commands(host: Host) -> None:
    assert [list(one) for one in answers(host, "yaml", "uri; suspend test; quit")] == [["uri"], ["domain"]]
    run = host.side.vsh("--format", "csv", "-c", host.uri, "domstate test; domstate test; suspend test")
    assert run.stdout.count("\n") == 5
    assert run.stdout.splitlines()[3] == "domain.name,domain.uuid"
    run = host.side.vsh("--format", "csv", "-q", "-c", host.uri, "suspend test")
    assert run.stdout == "test,6695eb01-f6a4-8304-79aa-97f2502e193f\n"


@pytest.mark.parametrize("form", ["json", "ndjson", "yaml", "csv"])
def test_errors_are_objects(host: Host, form: str) -> None:
    run = host.side.vsh("--format", form, "-c", host.uri, "domstate nosuch")
    assert (run.status, run.stdout) == (1, "")
    told = yaml.safe_load(run.stderr) if form == "yaml" else json.loads(run.stderr)
    assert told["command"] == "domstate"
    assert told["error"]["message"] == "failed to get domain 'nosuch'"
    assert told["error"].keys() == {"message", "cause", "code", "domain", "hint"}


def test_errors_of_the_command_line_are_objects(host: Host) -> None:
    run = host.side.vsh("--format=json", "--bogus")
    assert json.loads(run.stderr)["error"]["message"] == "unsupported option '--bogus'. See --help."


def test_columns_sort_and_filter(many: Host) -> None:
    [rows] = answers(many, "json", "list --all", "--columns", "name,state", "--sort", "-state,name")
    assert rows[0] == {"name": "Alpha beta", "state": "shut_off"}
    assert [row["state"] for row in rows] == sorted((row["state"] for row in rows), reverse=True)
    [rows] = answers(many, "json", "list --all", "--filter", "state=shut_off", "--filter", "name~u")
    assert [row["name"] for row in rows] == ["zulu"]
    [rows] = answers(many, "json", "list --all", "--filter", "id>1", "--columns", "id")
    assert rows and all(row["id"] > 1 for row in rows)
    [rows] = answers(many, "json", "list --all", "--filter", "id=", "--columns", "Id")
    assert rows and all(row == {"id": None} for row in rows)
    [rows] = answers(many, "json", "list --all", "--sort", "-id")
    assert [row["id"] for row in rows][-1] is None
    assert [row["id"] for row in rows if row["id"]] == [3, 2, 1]


def test_columns_of_virshs_tables(many: Host) -> None:
    run = many.side.vsh("--columns", "State,uuid,name", "--filter", "state=paused", "-c", many.uri, "list --all")
    assert run.stdout == (
        " State    uuid                                   Name\n"
        "---------------------------------------------------------\n"
        " paused   33333333-3333-3333-3333-333333333333   yankee\n\n"
    )
    run = many.side.vsh("--sort", "name", "-q", "-c", many.uri, "list")
    assert [line.split()[1] for line in run.stdout.splitlines()] == ["2", "bravo", "yankee"]


def test_refusals(host: Host) -> None:
    for options, command, text in [
        (["--columns", "nosuch"], "list", "there is no column 'nosuch': use id, name, state, uuid"),
        (["--sort", "x"], "list", "there is no column 'x': use id, name, state, uuid"),
        (["--filter", "x=1"], "list", "there is no column 'x': use id, name, state, uuid"),
        (["--columns", "id"], "uri", "--columns, --sort and --filter need a table, and 'uri' gives none"),
    ]:
        run = host.side.vsh(*options, "-c", host.uri, command)
        assert (run.stdout, run.stderr, run.status) == ("\n", f"error: {text}\n", 1)
    for options, text in [
        (["--filter", "state"], "filter 'state' is not NAME=VALUE, nor with one of != >= <= = > < ~"),
        (["--format", "xml"], "unknown format 'xml': use one of plain, json, ndjson, yaml, csv"),
    ]:
        run = host.side.vsh(*options, "-c", host.uri, "list")
        assert (run.stdout, run.stderr, run.status) == ("", f"error: {text}\n", 1)


def test_a_table_without_rows_has_the_columns_that_are_asked_for(host: Host) -> None:
    for form, wanted in (("plain", " uuid   Name\n--------------\n\n"), ("csv", ""), ("ndjson", "")):
        options = ("--format", form, "--columns", "uuid,name")
        assert host.side.vsh(*options, "-c", host.uri, "list --inactive").stdout == wanted


def test_texts_are_found_as_they_are_shown(many: Host) -> None:
    def names(condition: str) -> str:
        return many.side.vsh("-q", "--columns", "name", "--filter", condition, "-c", many.uri, "list --all").stdout

    assert names("state=shut off") == names("state=shut_off") != "\n"
    assert names("state!=shut off") == names("state!=shut_off") != "\n"


def test_what_is_done_passes_by(host: Host) -> None:
    run = host.side.vsh("--columns", "state", "-c", host.uri, "suspend test")
    assert (run.stdout, run.status) == ("Domain 'test' suspended\n\n", 0)


def test_one_object_is_a_table_of_one_row(host: Host) -> None:
    assert answers(host, "json", "dominfo test", "--columns", "name,cpus") == [{"name": "test", "cpus": 2}]
    assert table(host, "csv", "dominfo test", "--columns", "name,cpus") == [{"name": "test", "cpus": "2"}]


def test_bytes_that_are_no_text(many: Host) -> None:
    run = many.side.vsh("--format", "json", "-c", many.uri, "domstate \udcff")
    assert json.loads(run.stderr)["error"]["message"] == "failed to get domain '\udcff'"
    assert run.stderr.isascii()
