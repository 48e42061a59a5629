"""help, version, uri, connect, quit and exit."""

import re

import pytest

from tests.commands.conftest import Host
from tests.live.side import Run, Side
from vsh.commands.index import COMMANDS, find

#: Commands that virsh 9.0.0 does not have: those of 11.3, and vsh's own.
LATER = (
    *("domdisplay-reload", "domthrottlegroupdel", "domthrottlegroupinfo", "domthrottlegrouplist"),
    *("domthrottlegroupset", "hypervisor-cpu-models", "net-desc", "net-metadata", "nodedev-update"),
    *("agent", "autostart-all", "completion", "hosts", "man"),
)
#: Options of which the same is true.
LATER_OPTIONS = {
    "attach-disk": ["--throttle-groups"],
    "autostart": ["--once"],
    "blockresize": ["--capacity"],
    "capabilities": ["--xpath", "--wrap"],
    "complete": ["--values"],
    "console": ["--resume"],
    "domcapabilities": ["--xpath", "--wrap", "--disable-deprecated-features"],
    "echo": ["--prefix"],
    "guestinfo": ["--load"],
    "migrate": [
        "--migrate-disks-detect-zeroes",
        "--comp-zlib-level",
        "--comp-zstd-level",
        "--available-switchover-bandwidth",
    ],
    "net-list": ["--title"],
    "nodedev-dumpxml": ["--inactive"],
    "nodedev-list": ["--persistent", "--transient"],
    "restore": ["--parallel-channels"],
    "save": ["--parallel-channels", "--image-format"],
    "self-test": ["--dump-help"],
    **{name: ["--print-diff"] for name in COMMANDS if name.endswith("edit")},
}


def test_help_has_the_shape_of_virshs(side: Side) -> None:
    """Headings, synopsis and options are the same; only the prose differs."""

    def shape(text: str) -> list[str]:
        lines = text.split("\n")
        listed = lines[lines.index("  OPTIONS") :] if "  OPTIONS" in lines else []
        options = [
            m[1] for line in listed if (m := re.match(r"    ((?:\[--|--|<)\S+(?: <(?:string|number)>)?) +\S", line))
        ]
        found = [line for line in lines if line.startswith("  ") and line[2] != " "] + [lines[3]] + options
        headings = ("  DESCRIPTION", "  OPTIONS")  # which some commands have only in one of the programs
        return [line for line in found if line and line not in headings]

    def texts(run: Run) -> dict[str, str]:
        assert run.status == 0
        return {text.split()[0]: text for text in run.stdout.split("  NAME\n")[1:]}

    known = texts(side.virsh("; ".join([f"help {name}" for name in COMMANDS] + ["help list"])))
    seen = texts(side.vsh("; ".join(f"help {name}" for name in COMMANDS)))
    assert set(seen) == set(COMMANDS) and len(known) >= len(COMMANDS) - len(LATER)
    for name, text in known.items():
        later = LATER_OPTIONS.get(name, [])
        ours = re.sub(rf" ?\[?({'|'.join(later)})(?![\w-])( <\w+>)?\]?", "", seen[name]) if later else seen[name]
        assert shape(ours) == shape(text), name
    assert all(text.startswith(f"    {name} - ") and text.endswith("\n\n\n") for name, text in seen.items())
    assert side.vsh("list", "--help") == side.vsh("help", "list")


def test_every_command_and_option_is_explained() -> None:
    for name in COMMANDS:
        command = find(name)
        assert command is not None
        assert command.summary, name
        assert all(option.help for option in command.options if option.kind != "alias"), name


def test_help_of_groups(side: Side) -> None:
    whole = side.vsh("help").stdout
    assert re.match(r"Grouped commands:\n\n Domain Management \(help keyword 'domain'\):\n    \S+   ", whole)
    one = side.vsh("help", "monitor").stdout
    assert re.match(r" Domain Monitoring \(help keyword 'monitor'\):\n    \S+   ", one)
    assert one.removesuffix("\n") in whole
    assert side.vsh("help", "Domain Monitoring").stdout == one
    for line in one.splitlines()[1:-1]:
        assert re.fullmatch(r"    \S+ +\S.*", line) and line.index(line.split()[1]) == 35


def test_help_of_nothing(side: Side) -> None:
    side.assert_same("help", "nosuch")
    side.assert_same("help", "''")
    side.assert_same("help nosuch; help alsonot")


def test_version_and_uri(host: Host) -> None:
    host.same("version", "uri", quiet=True)
    host.same("version", "version --daemon", "uri")
    host.same("version", "uri", readonly=True)
    host.script("version x", "uri x", "uri --x", "version --daemon=1")


def test_connect(host: Host) -> None:
    host.same(f"connect '{host.uri}'", "uri", "suspend test", "connect", "list", "connect --readonly", "suspend test")
    host.same("connect --readonly", "connect", "suspend test", f"connect '{host.uri}'", "suspend test")
    host.same("connect", "list", readonly=True)
    host.same("connect", "suspend test", f"connect --name '{host.uri}'", "suspend test", readonly=True)
    host.same("connect nosuch:///host", "list", "uri")


def test_connect_changes_hosts(side: Side, host: Host) -> None:
    side.assert_same("-c", "test:///default", f"uri; connect '{host.uri}'; uri; connect test:///default; uri")
    side.assert_same(f"connect '{host.uri}' --readonly; uri; destroy test")


def test_nothing_at_all(host: Host) -> None:
    """An empty argument is a failure, one without words is not."""
    for line in ("", " ", ";", "# list"):
        host.same(line)


def test_xpath_that_is_none(host: Host) -> None:
    """The library that finds the fault speaks, in its own form, and the command succeeds."""
    host.same(
        *(f"{show} --xpath '{bad}'" for show in ("net-dumpxml default", "dumpxml test") for bad in ("//[", "foo("))
    )


def test_numbers_in_the_environment(side: Side) -> None:
    for value in (" 3", "04", "1_0", "99999999999", ""):
        side.assert_same("-q", "-c", "test:///default", "uri", env={"VIRSH_DEBUG": value})
        side.assert_same("-q", "-c", "test:///default", stdin="quit\n", env={"VIRSH_HISTSIZE": value})


@pytest.mark.parametrize("word", ["quit", "exit"])
def test_leaving(host: Host, word: str) -> None:
    host.same("list", word, "list")
    host.same("domstate nosuch", word)
    host.script("list", word, "list")
    host.side.assert_same(word)


def test_json(host: Host) -> None:
    assert host.json("version --daemon") == [
        {"library": "9.0.0", "hypervisor_type": "TEST", "hypervisor": "0.0.2", "daemon": "9.0.0"}
    ]
    [answer] = host.json("uri")
    assert set(answer) == {"uri"} and answer["uri"].startswith("test")
    [answer] = host.json("help domstate")
    assert answer["options"][0].items() >= {"name": "domain", "type": "data", "required": True}.items()
    [answer] = host.json("help")
    assert "virsh" in [group["keyword"] for group in answer["groups"]]
    assert host.json("connect; quit") == []
