"""list: filters, forms, order."""

from itertools import pairwise

import pytest

from tests.commands.conftest import Host

FILTERS = [
    "--transient",
    "--persistent",
    "--with-snapshot",
    "--without-snapshot",
    "--with-checkpoint",
    "--without-checkpoint",
    "--state-running",
    "--state-paused",
    "--state-shutoff",
    "--state-other",
    "--autostart",
    "--no-autostart",
    "--with-managed-save",
    "--without-managed-save",
]


def test_the_default_host(host: Host) -> None:
    host.same("list", "list --all", "list --inactive", "list --table", "destroy test", "list", "list --all")


@pytest.mark.parametrize("quiet", [False, True])
def test_forms(many: Host, quiet: bool) -> None:
    forms = ["--uuid", "--name", "--id", "--uuid --name", "--id --name", "--uuid --id", "--uuid --name --id", "--table"]
    forms += ["--title", "--managed-save", "--title --managed-save", "--table --title --managed-save"]
    run = many.same(*(f"list {among} {form}" for among in ("", "--all", "--inactive") for form in forms), quiet=quiet)
    assert "saved" in run.stdout and "ünïcode" in run.stdout


def test_filters(many: Host) -> None:
    many.same(*(f"list --name {among} {one}" for one in FILTERS for among in ("", "--all", "--inactive")))
    many.same(*(f"list --all {one} {other}" for one, other in pairwise(FILTERS)))


def test_empty_tables(host: Host) -> None:
    host.same("list --inactive", "list --state-paused", "list --inactive --name", "list --inactive --title")


def test_refusals(host: Host) -> None:
    host.script(
        "list --table --name", "list --table --uuid", "list --id --table", "list all", "list --al", "list --all=1"
    )


def test_timing(host: Host) -> None:
    host.side.assert_same("-t", "-c", host.uri, "list; list --all")


def test_json(many: Host) -> None:
    [rows] = many.json("list --all --title --managed-save")
    assert [row["name"] for row in rows] == ["yankee", "bravo", "2", "Alpha beta", "zulu", "日本"]
    assert rows[0] == {
        "id": 1,
        "name": "yankee",
        "uuid": "33333333-3333-3333-3333-333333333333",
        "state": "paused",
        "managed_save": False,
        "title": "ünïcode 日本",
    }
    assert rows[3] == {
        "id": None,
        "name": "Alpha beta",
        "uuid": "22222222-2222-2222-2222-222222222222",
        "state": "shut_off",
        "managed_save": True,
        "title": "",
    }
    assert many.json("list --id") == [[{key: row[key] for key in ("id", "name", "uuid")} for row in rows[:3]]]
    assert many.json("list --state-other --inactive") == [[]]
