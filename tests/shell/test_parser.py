"""The command grammar on its own; tests/commands compares it with virsh's."""

import pytest

from vsh.commands.errors import CommandError
from vsh.parser import END, parse_argv, parse_line, words_of_line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("list --all", ["list", "--all"]),
        ("  list\t--all  ", ["list", "--all"]),
        ("uri; list", ["uri", END, "list"]),
        ("uri\nlist", ["uri", END, "list"]),
        ("domstate 'two words'", ["domstate", "two words"]),
        ('domstate "two words"', ["domstate", "two words"]),
        ("domstate a\\ b", ["domstate", "a b"]),
        ("domstate 'a\\b'", ["domstate", "a\\b"]),
        ('domstate "a\\"b"', ["domstate", 'a"b']),
        ("domstate a'b'\"c\"", ["domstate", "abc"]),
        ("domstate ''", ["domstate", ""]),
        ("uri # rest; list", ["uri", END]),
        ("uri a#b", ["uri", "a#b"]),
        ("# all\nuri", [END, "uri"]),
        ("dom\\\nstate x", ["domstate", "x"]),
        ("uri \\\n x", ["uri", "x"]),
        ("domstate 'open", ["domstate", "open"]),
        ("domstate 'a;b'", ["domstate", "a;b"]),
        ("", []),
        (";;", [END, END]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert list(words_of_line(line)) == words


@pytest.mark.parametrize(("line", "text"), [("uri \\", "dangling \\"), ('uri "x', 'missing "')])
def test_broken_words(line: str, text: str) -> None:
    with pytest.raises(CommandError, match=text.replace("\\", "\\\\")):
        list(words_of_line(line))


def given(line: str) -> list[tuple[str, dict[str, object]]]:
    return [(p.command.name, p.given) for p in parse_line(line)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("domstate test --reason", [("domstate", {"domain": "test", "reason": True})]),
        ("domstate --reason test", [("domstate", {"domain": "test", "reason": True})]),
        ("domstate --domain test", [("domstate", {"domain": "test"})]),
        ("domstate --domain=test", [("domstate", {"domain": "test"})]),
        ("domstate --domain=", [("domstate", {"domain": ""})]),
        ("domstate -- --reason", [("domstate", {"domain": "--reason"})]),
        ("domstate -x", [("domstate", {"domain": "-x"})]),
        ("domstate ---", [("domstate", {"domain": "---"})]),
        ("undefine test vda", [("undefine", {"domain": "test", "storage": "vda"})]),
        (
            "undefine test --delete-snapshots",
            [("undefine", {"domain": "test", "delete-storage-volume-snapshots": True})],
        ),
        ("start --help --bogus-is-not-reached", None),
        ("start --help", [("help", {"command": "start"})]),
        ("help list --whatever more", [("help", {"command": "list"})]),
        ("uri; list --all", [("uri", {}), ("list", {"all": True})]),
        ("event --timeout 5 --loop", [("event", {"timeout": "5", "loop": True})]),
    ],
)
def test_commands(line: str, expected: list[tuple[str, dict[str, object]]] | None) -> None:
    if expected is None:
        with pytest.raises(CommandError):
            given(line)
    else:
        assert given(line) == expected


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("nope", "unknown command: 'nope'"),
        ("uri x", "unexpected data 'x'"),
        ("domstate", "command 'domstate' requires <domain> option"),
        ("domstate test --nope", "command 'domstate' doesn't support option --nope"),
        ("domstate test --reason --reason", "option --reason already seen"),
        ("domstate test --reason=1", "invalid '=' after option --reason"),
        ("domstate --domain", "expected syntax: --domain <string>"),
        ("event --timeout", "expected syntax: --timeout <number>"),
        ("uri; nope", "unknown command: 'nope'"),
    ],
)
def test_refusals(line: str, text: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_line(line)
    assert caught.value.summary == text


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(CommandError) as caught:
        parse_line("domstat test")
    assert "'domstate'" in caught.value.hint
    with pytest.raises(CommandError) as caught:
        parse_line("domstate test --reasons")
    assert "--reason" in caught.value.hint


def test_argv_is_not_split_again() -> None:
    (parsed,) = parse_argv(["domstate", "a;b 'c"])
    assert parsed.given == {"domain": "a;b 'c"}
