"""The options before the command, as getopt_long reads them."""

import pytest

from vsh.commands.errors import CommandError
from vsh.options import LONG, parse
from vsh.usage import GLOBAL


def test_clusters_values_and_rest() -> None:
    chosen = parse(["-qtc", "test:///default", "-r", "list", "--all", "-q"])
    assert (chosen.quiet, chosen.timing, chosen.readonly, chosen.uri) == (True, True, True, "test:///default")
    assert chosen.rest == ["list", "--all", "-q"]


def test_spellings_of_one_option() -> None:
    for argv in (["-c", "u:x"], ["-cu:x"], ["--connect", "u:x"], ["--connect=u:x"], ["--conn=u:x"]):
        assert parse([*argv, "uri"]).uri == "u:x"
        assert parse([*argv, "uri"]).rest == ["uri"]


def test_all_options_are_explained() -> None:
    explained = {long.removeprefix("--"): bool(value) for _, long, value, _ in GLOBAL if long}
    assert explained == {name: bool(takes) for name, (_, takes) in LONG.items()}


def test_abbreviations_of_virshs_options_win() -> None:
    for word in ("--c", "--co", "--con"):
        assert parse([word, "u:x", "uri"]).uri == "u:x"
    assert parse(["--col", "id", "list"]).columns == "id"


def test_double_dash_ends_options() -> None:
    assert parse(["-q", "--", "-x"]).rest == ["-x"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["-x"], "unsupported option '-x'. See --help."),
        (["--nope"], "unsupported option '--nope'. See --help."),
        (["-c"], "option '-c'/'--connect' requires an argument"),
        (["--connect"], "option '-c'/'--connect' requires an argument"),
        (["-d", "x"], "option -d takes a numeric argument"),
        (["--debug=x"], "option --debug takes a numeric argument"),
        (["-e", "^"], "Invalid string '^' for escape sequence"),
        (["-e", "ab"], "Invalid string 'ab' for escape sequence"),
        (["-k", "x"], "Invalid value for option -k"),
        (["-k", "99999999999"], "Invalid value for option -k"),
        (["-K", "2147483648"], "Invalid value for option -K"),
        (["-d", "1_0"], "option -d takes a numeric argument"),
        (["-K", "-1"], "option -K requires a positive integer argument"),
        (["--quiet=1"], "unsupported option '-q'. See --help."),
        (["--format", "xml"], "unknown format 'xml': use one of plain, json, ndjson, yaml, csv"),
    ],
)
def test_refusals(argv: list[str], text: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(argv)
    assert caught.value.summary == text


def test_numbers_as_c_reads_them() -> None:
    assert parse(["-k", "010", "-K", " 0x10", "-d", "04"]).keepalive_interval == 8
    assert parse(["-K", " 0x10"]).keepalive_count == 16
    assert parse(["-d", "04"]).debug == 4


def test_version_kinds() -> None:
    assert parse(["-v"]).version == "short"
    assert parse(["-V"]).version == "long"
    assert parse(["--version"]).version == "short"
    assert parse(["--version=long"]).version == "long"


def test_debug_out_of_range_is_only_a_warning() -> None:
    assert parse(["-d", "9", "uri"]).warnings == ["ignoring debug level 9 out of range [0-4]"]
