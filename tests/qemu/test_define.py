"""Definitions: completed as libvirtd completes them for the same QEMU."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.qemu.documents import documents
from tests.qemu.families import families
from vsh.backends import api
from vsh.backends.errors import VirtError
from vsh.backends.qemu.definitions import Rules
from vsh.backends.xml.domain import Domain

MARK = "@@next@@"
KEEP_NVRAM = 8


def theirs(side: Side, libvirtd: Libvirtd, texts: dict[str, str]) -> dict[str, str]:
    """What libvirtd makes of each document: its definition, or its error."""
    commands = []
    for name, text in texts.items():
        path = libvirtd.directory / f"{name}.xml"
        path.write_text(text)
        path.chmod(0o644)
        commands.append(f"define {path}; dumpxml {name} --inactive; undefine {name} --keep-nvram")
    # Both of virsh's streams in one, so that errors stay in their places.
    argv = ["virsh", "-q", "-c", libvirtd.uri("qemu"), f"; echo {MARK}; ".join(commands)]
    run = subprocess.run(argv, env=side.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=110)
    return {name: found(answer) for name, answer in zip(texts, run.stdout.split(MARK), strict=True)}


def found(answer: str) -> str:
    document = re.search(r"^<domain.*^</domain>\n", answer, re.S | re.M)
    if document:
        return document.group()
    refused = re.search(r"^error: Failed to define domain from \S+\nerror: (.*)", answer, re.M)
    assert refused, answer
    return refused.group(1)


def stable(document: str) -> list[str]:
    return sorted(line for line in document.split("\n") if "<target type='virtio' port=" not in line)


def ours(conn: api.Connection, text: str) -> str:
    try:
        ref = conn.domain_define_xml_flags(text, 0)
    except VirtError as error:
        if "without libvirt yet" in str(error):  # completed all the same
            return Domain.parse(text, Rules(conn.session.driver)).format()  # type: ignore[arg-type]
        return str(error)
    shown = conn.domain_get_xml_desc(ref, 2)
    # What was completed once stays as it is; controllers, read anew, are sorted by type, and consoles numbered.
    conn.domain_define_xml_flags(shown, 0)
    assert stable(conn.domain_get_xml_desc(ref, 2)) == stable(shown)
    conn.domain_undefine_flags(ref, KEEP_NVRAM)
    return shown


def test_definitions_are_completed_as_libvirtd_does_it(
    libvirtd: Libvirtd, side: Side, conn: api.Connection, root: Path
) -> None:
    texts = documents() | families()
    expected = theirs(side, libvirtd, texts)
    folder = f"{libvirtd.directory}/config/libvirt/qemu/nvram"
    wrong = {}
    for name, text in texts.items():
        shown = ours(conn, text).replace(f"{root}/e/lib/qemu/nvram", folder)
        if shown != expected[name]:
            lines = zip(expected[name].split("\n"), shown.split("\n"), strict=False)
            wrong[name] = next(((a, b) for a, b in lines if a != b), (expected[name][-80:], shown[-80:]))
    assert not wrong
    assert conn.connect_list_all_domains(0) == []


def test_machines_and_emulators_that_are_not_there(conn: api.Connection, tmp_path: Path) -> None:
    text = documents()["pc-0"]
    for change, said in (
        (("machine='pc'", "machine='nope'"), "does not support machine type 'nope'"),
        (("machine='pc'", "machine='isapc'"), "'isapc' is not supported yet"),
        (("type='qemu'", "type='test'"), "unexpected domain type test"),
        (("<devices>", "<devices><emulator>/nope</emulator>"), "'/nope' does not exist"),
        (("<devices>", "<devices><emulator>/bin/true</emulator>"), "Failed to probe QEMU binary '/bin/true'"),
        (("arch='x86_64'", "arch='sparc64'"), "'/usr/bin/qemu-system-sparc64' does not exist"),
    ):
        said_by = ours(conn, text.replace(*change))
        assert said in said_by, said_by
    assert conn.connect_list_all_domains(0) == []


def test_a_name_that_is_no_file_is_refused(conn: api.Connection, root: Path) -> None:
    text = documents()["pc-0"]
    for name, said in (("a/b", "cannot contain '/'"), ("a\nb", "invalid char in name"), ("x" * 300, "too long")):
        assert said in ours(conn, text.replace("<name>pc-0</name>", f"<name>{name}</name>"))
    for name in ("..", ".hidden", ".tmp-1", "-c", "a b", "日本", "x.xml", "a,b=c"):
        shown = ours(conn, text.replace("<name>pc-0</name>", f"<name>{name}</name>"))
        assert f"<name>{name}</name>" in shown
    assert not [path for path in (root / "e/etc/qemu").iterdir() if path.name != "autostart"]


def test_capabilities_are_asked_once(connect: Callable[..., api.Connection], root: Path) -> None:
    uri = f"qemu:///embed?root={root}/own"
    ours(connect(to=uri), documents()["pc-0"])
    (cached,) = (root / "own/cache/qemu/capabilities").iterdir()
    before = cached.stat().st_mtime_ns
    ours(connect(to=uri), documents()["q35-0"])
    assert cached.stat().st_mtime_ns == before
    cached.write_text("{")
    ours(connect(to=uri), documents()["q35-0"])
    assert cached.stat().st_size > 100
