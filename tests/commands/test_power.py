"""create, shutdown, reboot, reset, autostart, domrename; domid, domname, domuuid; desc, metadata."""

from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Host

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"


def test_power_buttons(host: Host) -> None:
    host.same("reboot test", "list", "reset test", "domstate test --reason", "shutdown test", "domstate test --reason")
    host.same("shutdown 1", "shutdown test", "reboot test", "reset test", "start test")
    host.same("reboot 1 --mode acpi", "reset 1", "shutdown test", "list --all", quiet=True)


def test_modes(host: Host) -> None:
    modes = ["acpi", "agent,acpi", "signal", "initctl", "paravirt", "", ",", "acpi,", "ACPI", "acpi,foo", "acpi agent"]
    verbs = ("shutdown", "reboot")
    host.same(*(f"{verb} test --mode '{mode}'; start test" for verb in verbs for mode in modes))
    host.same(*(f"{verb} {words}" for verb in verbs for words in ("nosuch foo", "17")))


def test_create(host: Host, domain_file: Callable[..., Path]) -> None:
    path = domain_file("new")
    host.same(f"create {path}", "list --all", "dominfo new", "destroy new", "list --all")
    flags = ("paused", "autodestroy", "validate", "reset-nvram", "console")
    host.same(*(f"create {path} --{flag}; domstate new --reason; destroy new" for flag in flags))
    host.same(
        f"create {path} --pass-fds 0,x", f"create {path} --pass-fds 977", "create nosuch --pass-fds x", "create ''"
    )
    path.write_text("<domain/>")
    host.same(f"create {path}", "list --all")


def test_autostart(host: Host) -> None:
    host.same("autostart test", "dominfo test", "autostart test", "autostart 1 --disable", "dominfo test")
    host.same("autostart nosuch", "autostart test", quiet=True)


def test_names(host: Host) -> None:
    verbs = ("domid", "domname", "domuuid")
    host.same(*(f"{verb} {word}" for verb in verbs for word in ("test", "1", UUID, "nosuch", "''", "17")))
    host.same("destroy test", *(f"{verb} {word}" for verb in verbs for word in ("test", UUID)), quiet=True)


def test_rename(host: Host) -> None:
    host.same("domrename test new", "destroy test", "domrename test new", "list --all", "start test", "start new")
    host.same("destroy test", "domrename test test", "domrename test ''", "domrename nosuch ''", "domrename nosuch x")


def test_description_and_title(host: Host) -> None:
    for title in ("", "--title"):
        host.same(
            f"desc test {title}",
            f"desc test {title} one 'two  three' ",
            f"desc test {title}",
            f"desc test {title} --config",
            f"desc test {title} --config --new-desc stored",
            f"desc test {title} --config",
            f"desc test {title} --live",
            f"desc test {title} --live --config both",
            f"desc test {title} ''",
            f"desc test {title}",
            "dumpxml test --xpath '//title|//description'",
        )
        host.same(
            f"desc test {title} --current --live", f"desc test {title} --current --config x", f"desc nosuch {title}"
        )
        host.same(f"desc test {title} a; desc test {title}; desc test {title} ' '; desc test {title}", quiet=True)
    host.same("desc test --title 'a\nb'", "desc test 'a\nb'", "desc test", "destroy test", "desc test --live x")


def test_metadata(host: Host) -> None:
    host.same(
        "metadata test http://x",
        "metadata test http://x --set '<a b=\"1\"/>' --key k",
        "metadata test http://x",
        "metadata test http://x --config",
        "metadata test http://x --config --set '<c/>' --key k",
        "metadata test http://x --config",
        "metadata test http://x --set '<d>text</d>'",
        "metadata test http://x k '<d>text</d>'",
        "metadata test http://x",
        "metadata test http://y",
        "metadata test http://x --remove",
        "metadata test http://x --remove",
        "metadata test http://x --remove --config",
        "metadata test http://x --config",
    )
    host.same(
        "metadata nosuch http://x",
        "metadata test http://x --set '<a' --key k",
        "metadata test http://x --set '' --key k",
        "metadata test ''",
        "metadata test http://x --edit",
        "metadata test http://x --edit --set a",
        "metadata test http://x --remove --set a",
        "metadata test http://x --remove --edit",
        "metadata test http://x --current --live",
    )


def test_editing_metadata(host: Host) -> None:
    verbs = [f"{verb} --edit" for verb in ("desc test", "desc test --title", "metadata test http://x --key k")]
    host.same(*verbs, "destroy test", *(f"{verb} --live" for verb in verbs), env={"VISUAL": "true"})
    change = {"VISUAL": "sh -c 'echo \"<a/>\" > $0'"}
    host.same(*verbs, *verbs, "desc test a --edit", "metadata test http://x", "desc test", env=change)


def test_read_only(host: Host) -> None:
    verbs = ["shutdown test", "reboot test", "reset test", "autostart test", "desc test x", "metadata test u --remove"]
    host.same(*verbs, "domrename test x", "domid test", "domname 1", "domuuid 1", "desc test", readonly=True)


def test_refusals(host: Host) -> None:
    verbs = ("create", "shutdown", "reboot", "reset", "autostart", "domid", "domname", "domuuid", "domrename", "desc")
    host.script(*verbs, "metadata", "metadata test", *(f"{verb} test a b c" for verb in verbs if verb != "desc"))
    host.script(*(f"{verb} --nosuch" for verb in verbs), *(f"{verb} ''" for verb in verbs))


def test_json(host: Host, domain_file: Callable[..., Path]) -> None:
    identity = {"name": "test", "uuid": UUID}
    answers = host.json(
        "domid test; domname 1; domuuid test; reboot test; autostart test; desc test; desc test x y; desc test"
    )
    assert answers == [
        {"id": 1},
        {"name": "test"},
        {"uuid": UUID},
        {"domain": identity},
        {"domain": identity, "autostart": True, "once": False},
        {"description": None},
        {"domain": identity, "changed": True},
        {"description": "x y"},
    ]
    answers = host.json(
        "metadata test u --key k --set '<a/>'; metadata test u; shutdown test; domid test; domrename test b"
    )
    assert answers == [
        {"domain": identity, "uri": "u", "changed": True},
        {"uri": "u", "xml": "<a/>"},
        {"domain": identity},
        {"id": None},
        {"domain": {"name": "b", "uuid": UUID}},
    ]
    [answer] = host.json(f"create {domain_file('new')}")
    assert answer["domain"]["name"] == "new"
