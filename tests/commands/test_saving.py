"""save, restore, managedsave, dump, and the definitions in saved states, on the test driver."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Host
from tests.live.side import Run


class Patient:
    """A host for commands in which virsh 9.0.0 hangs now and then, with a folder that every daemon may write to."""

    def __init__(self, host: Host, folder: Path):
        self.host = host
        self.folder = folder

    def same(self, *commands: str, **rest: Any) -> Run:
        """As Host.same; `%` stands for the folder."""
        lines = [line.replace("%", str(self.folder)) for line in commands]
        return self.host.same(*lines, timeout=0.4, tries=20, **rest)


@pytest.fixture
def patient(host: Host) -> Iterator[Patient]:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o777)
        yield Patient(host, Path(name))


@pytest.fixture
def definition(host: Host, tmp_path: Path) -> Path:
    """A file with the definition of the domain `test`."""
    path = tmp_path / "new.xml"
    path.write_text(host.side.virsh("-c", host.uri, "dumpxml test").stdout)
    return path


def test_save_and_restore(patient: Patient) -> None:
    save, restore = "save test %/x.sav", "restore %/x.sav"
    steps = [save, "list --all", "domstate test --reason", restore, "domstate test --reason"]
    patient.same(*steps)
    patient.same(*steps, quiet=True)
    flags = ("bypass-cache", "running", "paused", "reset-nvram")
    patient.same(*(f"{save} --{flag}; {restore}" for flag in flags[:3]), f"{save} --verbose")
    patient.same(save, *(f"{restore} --{flag}; domstate test --reason; destroy test" for flag in flags))
    patient.same("restore nosuch", f"{restore} --paused --running", f"{restore} --xml nosuch", "restore ''")
    for line in ("--paused --running", "--xml nosuch", "--xml ''"):
        patient.same(f"{save} {line}", "domstate test")
    patient.same("save nosuch ''", "save test ''")
    patient.same("save test /nosuch/z", "domstate test")


def test_relative_paths_start_here(patient: Patient) -> None:
    run = patient.host.side.vsh("-c", patient.host.uri, "save-image-dumpxml nosuch; restore nosuch")
    assert f"'{patient.host.side.env['HOME']}/nosuch'" in run.stderr


def test_restore_with_other_xml(patient: Patient, definition: Path) -> None:
    patient.same("save test %/x.sav", f"restore %/x.sav --xml {definition}", "list --all")
    patient.same(f"save test %/x.sav --xml {definition}", "restore %/x.sav", "list --all")
    definition.write_text("<domain/>")
    patient.same("save test %/x.sav", f"restore %/x.sav --xml {definition} --paused", "list --all")


def test_managed_save(patient: Patient) -> None:
    patient.same("managedsave test", "list --all --managed-save", "start test", "domstate test --reason")
    patient.same("managedsave test --verbose", "managedsave-remove test", "managedsave-remove test", "start test")
    patient.same(*(f"managedsave test --{flag}; start test" for flag in ("bypass-cache", "running", "paused")))
    patient.same("managedsave test --running --paused")
    patient.same("managedsave nosuch", "managedsave-remove nosuch", "managedsave-dumpxml nosuch")
    patient.same("managedsave test", "managedsave-remove test", "managedsave-remove test", quiet=True)


def test_image_definitions(patient: Patient, definition: Path) -> None:
    show, define = "save-image-dumpxml %/x.sav", f"save-image-define %/x.sav {definition}"
    more = (
        "--security-info",
        "--wrap",
        "--xpath //name",
        "--xpath ''",
        "--xpath '//name|//uuid' --wrap",
        "--xpath //x",
    )
    patient.same("save test %/x.sav", show, *(f"{show} {option}" for option in more), "save-image-dumpxml nosuch")
    patient.same(
        "save test %/x.sav", define, f"{define} --paused", show, f"{define} --running", f"{define} --running --paused"
    )
    patient.same(
        "save-image-define nosuch nosuch", f"save-image-define nosuch {definition}", "save-image-dumpxml /nosuch"
    )


def test_managed_save_definitions(patient: Patient, definition: Path) -> None:
    patient.same("managedsave-dumpxml test", "managedsave test", "managedsave-dumpxml test --xpath ''")
    patient.same(f"managedsave-define test {definition} --running --paused", "managedsave-define nosuch nosuch")
    patient.same(
        "managedsave-define test nosuch", f"managedsave-define nosuch {definition}", "managedsave-define test ''"
    )


def test_dump(patient: Patient) -> None:
    patient.same(
        "dump test %/x.dump", "domstate test --reason", "dump test %/x.dump --live", "dump test %/x.dump --verbose"
    )
    patient.same("dump test %/y.dump --reset", "dump test %/y.dump --crash", "domstate test --reason")
    for line in ("--live --crash", "--format elf", "--memory-only --format foo", "--memory-only --format kdump-lzo"):
        patient.same(f"dump test %/z.dump {line}", "domstate test")
    patient.same("dump test /nosuch/x")
    patient.same("dump nosuch %/z.dump --format elf", "dump test ''")


def test_read_only(patient: Patient) -> None:
    patient.same("restore x", "managedsave-remove test", "save-image-dumpxml x", readonly=True)
    patient.same("save-image-dumpxml x --security-info", readonly=True)
    for line in ("save test x", "managedsave test", "dump test x"):
        patient.same(line, readonly=True)


def test_refusals(host: Host) -> None:
    verbs = [
        "save",
        "restore",
        "managedsave",
        "managedsave-remove",
        "managedsave-dumpxml",
        "managedsave-define",
        "dump",
    ]
    verbs += ["save-image-dumpxml", "save-image-define"]
    host.script(*verbs, *(f"{verb} test a b c" for verb in verbs), *(f"{verb} --nosuch" for verb in verbs))


def test_json(patient: Patient) -> None:
    path = f"{patient.folder}/x"
    [saved, state, restored] = patient.host.json(f"save test {path}; domstate test; restore {path}")
    assert saved["file"] == restored["file"] == path and saved["domain"]["name"] == "test"
    assert state == {"state": "shut_off", "reason": "saved"}
    [saved, removed, again] = patient.host.json("managedsave test; managedsave-remove test; managedsave-remove test")
    assert saved["domain"]["name"] == "test" and removed["removed"] and not again["removed"]
    [dumped] = patient.host.json(f"dump test {path}")
    assert dumped["domain"]["name"] == "test"
