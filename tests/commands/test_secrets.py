"""Secrets: secret-*, on the secret driver of a real libvirtd."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.commands.conftest import Host
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from vsh.parser import parse_line, tells_secret

KEPT, EPHEMERAL = "55555555-1111-2222-3333-444444444444", "44444444-1111-2222-3333-444444444444"
XML = {
    "kept": f"<secret><uuid>{KEPT}</uuid><usage type='ceph'><name>client.admin secret</name></usage></secret>",
    "ephemeral": f"<secret ephemeral='yes' private='yes'><uuid>{EPHEMERAL}</uuid><description>d</description></secret>",
    "other": "<domain/>",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in XML.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "base64").write_text("c2VjcmV0")
    (tmp_path / "raw").write_bytes(b"plain\0\xffbytes")
    (tmp_path / "long").write_text("x" * 1025)
    return tmp_path


def define(files: Path) -> list[str]:
    return [f"secret-define {files / 'kept'}", f"secret-define {files / 'ephemeral'} --validate"]


UNDEFINE = [f"secret-undefine {KEPT}", f"secret-undefine {EPHEMERAL}"]


def test_lifecycle(system: Host, files: Path) -> None:
    for quiet in (False, True):
        run = system.same(
            "secret-list",
            *define(files),
            f"secret-define {files / 'other'}",
            f"secret-define {files / 'absent'}",
            "secret-list",
            *(f"secret-list --{kind}" for kind in ("ephemeral", "no-ephemeral", "private", "no-private")),
            "secret-list --private --no-ephemeral",
            f"secret-dumpxml {KEPT}",
            f"secret-dumpxml {EPHEMERAL} --xpath //uuid",
            f"secret-dumpxml {KEPT.replace('-', '')}",
            *UNDEFINE,
            f"secret-undefine {KEPT}",
            "secret-list",
            quiet=quiet,
        )
        assert "ceph client.admin secret" in run.stdout


def test_values(system: Host, files: Path) -> None:
    ways = [
        f"--file {files / 'base64'}",
        f"--file {files / 'raw'} --plain",
        "--base64 aGFsbG8gd8O2cmxk",
        "--base64 a",
        "--base64 '!a-GE=='",
        "YWJjZA==",
        "--base64 YWI=YWI=",
        "--base64 YWJjZ",
    ]
    lines = [f"secret-get-value {KEPT}"]
    for way in ways:
        lines += [f"secret-set-value {KEPT} {way}", f"secret-get-value {KEPT}", f"secret-get-value {KEPT} --plain"]
    run = system.same(
        *define(files), *lines, f"secret-set-value {EPHEMERAL} YWJjZA==", f"secret-get-value {EPHEMERAL}", *UNDEFINE
    )
    assert "hallo wörld" in run.stdout and "plain\0\udcffbytes" in run.stdout


def test_value_asked_for(system: Host, files: Path) -> None:
    system.same(
        *define(files),
        f"secret-set-value {KEPT} --interactive",
        f"secret-get-value {KEPT} --plain",
        *UNDEFINE,
        stdin="wörd of the user\n",
    )
    system.same(*define(files), f"secret-set-value {KEPT} --interactive", *UNDEFINE)


def test_refusals(system: Host, files: Path) -> None:
    one = f"secret-set-value {KEPT}"
    system.same(
        *define(files),
        one,
        f"{one} --file {files / 'absent'}",
        f"{one} --file {files / 'long'}",
        f"{one} --file ''",
        f"{one} --base64 ''",
        f"{one} --file x --base64 y",
        f"{one} --plain --base64 y",
        f"{one} --interactive --base64 y",
        f"{one} --interactive --plain",
        f"{one} --interactive --file x",
        "secret-set-value nosuch --file x",
        "secret-get-value nosuch",
        "secret-get-value ''",
        "secret-undefine nosuch",
        f"secret-dumpxml {KEPT[:-1]}0",
        *UNDEFINE,
    )
    system.same(*define(files), "secret-list", f"secret-get-value {KEPT}", *UNDEFINE, readonly=True)


def test_drivers_without_secrets(host: Host, files: Path) -> None:
    host.same(
        *define(files),
        "secret-list",
        "secret-list --private",
        f"secret-dumpxml {KEPT}",
        "secret-dumpxml nosuch",
        f"secret-set-value {KEPT} YWJj",
        *UNDEFINE,
    )


def test_values_stay_out_of_the_history() -> None:
    one = f"secret-set-value {KEPT}"
    for line, tells in {f"{one} --base64 YWJj": True, f"{one} YWJj": True, f"uri; {one} YWJj": True,
                        f"{one} --file x": False, f"{one} --interactive": False}.items():  # fmt: skip
        assert tells_secret(parse_line(line)) is tells, line


def test_events(side: Side, libvirtd_root: Libvirtd, files: Path) -> None:
    """A secret that comes, gets a value and goes, seen by both programs."""
    uri = libvirtd_root.uri("qemu")
    argv = ["-c", uri, "secret-event", "--loop", "--timeout", "3", "--event"]
    with ExitStack() as stack:
        watchers = {
            (program, kind): stack.enter_context(side.terminal(program, *argv, kind))
            for program in ("virsh", "vsh")
            for kind in ("lifecycle", "value-changed")
        }
        time.sleep(1.5)
        side.virsh("-c", uri, "; ".join([*define(files), f"secret-set-value {KEPT} YWJj", *UNDEFINE]))
        seen = {watched: watcher.finish() for watched, watcher in watchers.items()}
    for kind, count in (("lifecycle", 4), ("value-changed", 1)):
        (shown, status), (wanted, _) = seen["vsh", kind], seen["virsh", kind]
        assert shown.startswith("event '") and status == 0
        assert wanted.endswith(shown)  # on a terminal virsh begins with words about a missing polkit
        assert f"events received: {count}" in shown


def test_json(system: Host, files: Path) -> None:
    lines = "; ".join(
        [*define(files), "secret-list", f"secret-set-value {KEPT} YWJj", f"secret-get-value {KEPT}", *UNDEFINE]
    )
    answers = system.json(lines)
    kept = {"uuid": KEPT, "usage_type": "ceph", "usage_id": "client.admin secret"}
    assert answers[2] == [{"uuid": EPHEMERAL, "usage_type": "none", "usage_id": None}, kept]
    assert answers[3:5] == [{"secret": kept}, {"base64": "YWJj"}]
