"""Secrets without a daemon, beside libvirt's."""

import base64
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.wait import wait_until
from tests.qemu.conftest import Pair
from vsh.backends import api
from vsh.backends.constants import secret as const
from vsh.backends.errors import INVALID_SECRET, NO_SECRET, OPERATION_DENIED, VirtError
from vsh.backends.qemu import secrets, told

ONE, TWO = "55555555-1111-2222-3333-444444444444", "66666666-1111-2222-3333-444444444444"
CEPH = f"<secret><uuid>{ONE}</uuid><usage type='ceph'><name>a</name></usage></secret>"
PRIVATE = f"<secret private='yes'><uuid>{ONE}</uuid><usage type='ceph'><name>a</name></usage></secret>"
FLEETING = f"<secret ephemeral='yes'><uuid>{TWO}</uuid></secret>"


def usage(kind: str, inside: str = "") -> str:
    return f"<secret><uuid>{TWO}</uuid><usage type='{kind}'>{inside}</usage></secret>"


def uuid(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


def test_like_libvirts(pair: Pair, tmp_path: Path) -> None:
    made: list[Path] = []

    def define(xml: str) -> list[str]:
        made.append(tmp_path / f"{len(made)}.xml")
        made[-1].write_text(xml)
        return [f"secret-define {made[-1]}", "secret-list"]

    kinds = ("volume", "ceph", "iscsi", "tls", "vtpm", "none", "foo", "")
    long = tmp_path / "value"
    long.write_bytes(bytes(range(256)) * 4)
    run = pair.same(
        "secret-list",
        *define(CEPH),
        f"secret-get-value {ONE}",
        f"secret-set-value {ONE} --file {long} --plain",
        f"secret-get-value {ONE}",
        *define(PRIVATE),
        f"secret-get-value {ONE}",
        *define(CEPH),
        *define(CEPH.replace(">a<", ">b<")),
        *define(f"<secret><uuid>{ONE}</uuid></secret>"),
        *define(usage("ceph", "<name>a</name>")),
        *define(usage("tls", "<name>a</name>")),
        f"secret-undefine {TWO}",
        *(line for kind in kinds for line in define(usage(kind))),
        f"secret-dumpxml {TWO}; secret-undefine {TWO}",
        *define(usage("volume", "<volume>/a&lt;b</volume>")),
        f"secret-dumpxml {TWO}; secret-undefine {TWO}",
        *define(FLEETING.replace("'yes'", "'maybe'")),
        *define(FLEETING.replace(TWO, "zzz")),
        *define(FLEETING),
        *(f"secret-list --{kind}" for kind in ("ephemeral", "no-ephemeral", "private", "no-private")),
        f"secret-dumpxml {TWO}",
        *define(f"<secret><uuid>{TWO}</uuid></secret>"),
        f"secret-dumpxml {TWO}",
        *define(CEPH.replace("<usage", "<description> d&lt;\n</description><x/><usage")),
        f"secret-dumpxml {ONE}",
        *define("<domain/>"),
        *define("<secret"),
        f"secret-undefine {ONE}; secret-undefine {TWO}; secret-list",
        *(f"secret-{verb} {ONE}" for verb in ("undefine", "dumpxml", "get-value", "set-value YWJj")),
    )  # fmt: skip
    assert base64.b64encode(long.read_bytes()).decode() in run.stdout
    pair.same(f"secret-define {made[0]}", "secret-list", f"secret-get-value {ONE}", readonly=True)


def test_private_files(conn: api.Connection, root: Path) -> None:
    """Nobody else can read them, and no value is anywhere but in its own."""
    ref = conn.secret_define_xml(PRIVATE, 0)
    conn.secret_set_value(ref, b"top/secret", 0)
    with pytest.raises(VirtError) as caught:
        conn.secret_get_value(ref, 0)
    assert caught.value.code == INVALID_SECRET
    folder = root / "e/etc/secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        f"{ONE}.xml": 0o600,
        f"{ONE}.base64": 0o600,
    }
    value = base64.b64encode(b"top/secret")
    holders = [
        path for path in root.rglob("*") if path.is_file() and {value, b"top/secret"} & set(path.read_bytes().split())
    ]
    assert holders == [folder / f"{ONE}.base64"]
    assert secrets.value_of(conn.driver, const.SECRET_USAGE_TYPE_CEPH, uuid(ONE)) == b"top/secret"
    assert secrets.value_of(conn.driver, const.SECRET_USAGE_TYPE_CEPH, usage="a") == b"top/secret"
    for kind, which, code in (
        (const.SECRET_USAGE_TYPE_TLS, {"uuid": uuid(ONE)}, INVALID_SECRET),
        (const.SECRET_USAGE_TYPE_TLS, {"usage": "a"}, NO_SECRET),
        (const.SECRET_USAGE_TYPE_CEPH, {"uuid": uuid(TWO)}, NO_SECRET),
    ):
        with pytest.raises(VirtError) as caught:
            secrets.value_of(conn.driver, kind, **which)
        assert caught.value.code == code


def test_ephemeral_ones_last_until_the_machine_starts_anew(
    conn: api.Connection, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = conn.secret_define_xml(FLEETING, 0)
    conn.secret_set_value(ref, b"abc", 0)
    kept = conn.secret_define_xml(CEPH, 0)
    assert not list(root.glob(f"e/etc/secrets/{TWO}*"))
    # It keeps its value wherever it lies.
    for xml in (FLEETING.replace("'yes'", "'no'"), FLEETING):
        assert conn.secret_get_value(conn.secret_define_xml(xml, 0), 0) == b"abc"
        assert len(list(root.rglob(f"{TWO}.*"))) == 2
    # A move that was cut short leaves both; there is one secret all the same, and nothing of it once it is undefined.
    (folder,) = (root / "e/run/secrets").iterdir()
    for kind in ("xml", "base64"):
        data = (folder / f"{TWO}.{kind}").read_bytes().replace(b"yes", b"no")
        (root / f"e/etc/secrets/{TWO}.{kind}").write_bytes(data)
    assert len(conn.connect_list_all_secrets(0)) == 2
    conn.secret_undefine(ref)
    assert conn.connect_list_all_secrets(0) == [kept] and not list(root.rglob(f"{TWO}.*"))
    conn.secret_set_value(conn.secret_define_xml(FLEETING, 0), b"abc", 0)
    monkeypatch.setattr(conn.driver.host, "_boot_id", "another")
    assert conn.connect_list_all_secrets(0) == [kept]
    api.open(f"qemu:///embed?root={root}/e").close()
    assert not list(root.rglob(f"{TWO}.*"))


def test_read_only(connect: Callable[..., api.Connection]) -> None:
    ref = connect().secret_define_xml(CEPH, 0)
    looking = connect(readonly=True)
    assert looking.connect_list_all_secrets(0) == [ref]
    for refused in (lambda: looking.secret_get_value(ref, 0), lambda: looking.secret_undefine(ref)):
        with pytest.raises(VirtError) as caught:
            refused()
        assert caught.value.code == OPERATION_DENIED


def test_events_reach_other_connections(
    connect: Callable[..., api.Connection], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the file that carries them is begun anew again and again."""
    monkeypatch.setattr(told, "LIMIT", 2000)
    watching, acting = connect(), connect()
    seen: list[object] = []
    enough = threading.Event()

    def note(event: object) -> None:
        seen.append(event)
        if len(seen) == 41:
            enough.set()

    for kind in ("secret_event_lifecycle", "secret_event_value_changed"):
        watching.subscribe(kind, None, note)
    ref = acting.secret_define_xml(CEPH, 0)
    for count in range(1, 41):
        acting.secret_set_value(ref, b"x", 0)
        if count % 10 == 0:
            wait_until(lambda: len(seen) > count)  # noqa: B023
    assert enough.wait(10), len(seen)
    assert [type(event).__name__ for event in seen] == ["SecretEventLifecycle", *["SecretEventValueChanged"] * 40]
    assert {event.secret for event in seen} == {ref}  # type: ignore[attr-defined]
    files = [path.stat().st_size for path in (root / "e/run/qemu").glob("events*")]
    assert sum(files) < 5000
