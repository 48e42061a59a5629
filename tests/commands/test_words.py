"""echo, cd, pwd and self-test."""

import json
from pathlib import Path

import pytest

from tests.live.side import Side
from vsh.commands.virsh import selftest


def test_echo(side: Side) -> None:
    side.assert_same("echo a b; echo c; echo; echo ''; echo --hi; echo --hi --str x --string=y z; echo a --err; echo")
    side.assert_same("-q", "echo a; echo b; echo --err c")
    side.assert_same("echo", "--", "--split", "--err")
    for words in (
        ["--split", "a,b,,c,", "d"],
        ["--split", ""],
        ["--split", "a,,", ",b"],
        ["--split"],
        ["--shell"],
        ["--shell", "", "it's", "a b", "a=b", "a+b@c%d:e,f.g/h-i_j", "é", "a\x01"],
        ["--shell", *(f"a{char}b" for char in "\r\t\n !\"#$&'()*;<>?[\\]^`{|}~")],
        ["--xml", "<a b='c' d=\"e\">&\n\x01", "é"],
        ["--err", "--split", "a,b"],
        ["--err", "--shell", "a b", "it's"],
        ["--err"],
    ):
        side.assert_same("echo", *words)


def test_echo_refusals(side: Side) -> None:
    side.assert_same(
        stdin="echo --shell --xml a\necho --shell --split a\necho --xml --split a\necho --hi=x\necho --nosuch\necho a\n"
    )


def test_cd_and_pwd(side: Side, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    side.assert_same("cd /; pwd", env={"PWD": "/"})
    places = [str(there), "..", "", "''", "--dir=/", "/nonexistent", "-", "a b"]
    side.assert_same(stdin="pwd\npwd x\n" + "".join(f"cd {place}\npwd\n" for place in places))
    side.assert_same(stdin="cd\npwd\n", env={"HOME": ""})
    side.assert_same(stdin=f"connect test:///default\ncd {there}\ndefine x.xml\n")


def test_self_test(side: Side) -> None:
    side.assert_same("self-test")
    side.assert_same("self-test", "x")
    assert "self-test" not in side.vsh("help", "virsh").stdout
    assert side.vsh("help console").stdout.removesuffix("\n") in side.vsh("self-test --dump-help").stdout
    missing = side.vsh("self-test --completers-missing").stdout
    assert "echo: prefix, string\n" in missing and "pwd" not in missing


def test_self_test_finds_faults(side: Side) -> None:
    from vsh.commands.declare import Alias, Argv, Command, Data, Opt

    def nothing() -> None:
        pass

    options = [Opt("a", "x"), Data("b"), Opt("a", "x"), Alias("c", "nosuch"), Argv("d", "x"), Opt("e", "x")]
    faults = list(selftest._faults(Command("x", "virsh", options, nothing, exclusive=[("a", "f")])))
    assert faults == [
        "it has no help",
        "option --a is declared twice",
        "option --b has no help",
        "the required word --b follows one that may be left out",
        "option --a is declared twice",
        "option --c stands for --nosuch, which does not exist",
        "no word reaches --e behind --d, which takes all",
        "there is a rule about --f, which does not exist",
    ]


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("echo a 'b c'", {"text": "a b c"}),
        ("echo --shell 'a b'", {"text": "'a b'"}),
        ("echo --split a,b", {"text": "a\nb\n"}),
        ("echo --prefix x: --shell 'a b'", {"text": "x: 'a b'"}),
    ],
)
def test_json(side: Side, line: str, result: object) -> None:
    assert json.loads(side.vsh("--format=json", line).stdout)["result"] == result


def test_json_of_pwd(side: Side) -> None:
    assert json.loads(side.vsh("--format=json", "pwd").stdout)["result"] == {"directory": side.env["HOME"]}
