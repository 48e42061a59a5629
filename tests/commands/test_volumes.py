"""Volumes: vol-*, on the test host, which has no content to read or write."""

from pathlib import Path

import pytest

from tests.commands.conftest import Host

POOL = "default-pool"
XML = "<volume><name>{}</name><capacity unit='MiB'>3</capacity><allocation>512</allocation><target/></volume>"
MADE = f"vol-create-as {POOL} one 1G --allocation 1M --format qcow2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "two.xml"
    path.write_text(XML.format("Two"))
    (tmp_path / "text").write_text("hello")
    return path


def test_create_and_show(host: Host, file: Path) -> None:
    look = f"vol-list {POOL}; vol-list {POOL} --details; pool-info {POOL}"
    for quiet in (False, True):
        host.same(
            look, MADE, look, MADE, f"vol-create {POOL} {file}", look, f"vol-create {POOL} {file} --validate",
            f"vol-create {POOL} {file} --prealloc-metadata", "vol-info one --pool default-pool", "vol-info one",
            "vol-info /default-pool/one --bytes", "vol-info /default-pool/one --physical",
            f"vol-dumpxml one {POOL}", f"vol-dumpxml Two {POOL} --xpath //capacity", f"vol-dumpxml one {POOL} --wrap",
            f"vol-clone one three {POOL}", f"vol-clone one three {POOL}", f"vol-clone one four {POOL} --print-xml",
            f"vol-clone one five {POOL} --prealloc-metadata", f"vol-clone one five {POOL} --reflink",
            f"vol-create-from {POOL} {file} three --inputpool {POOL}", "vol-create-from default-pool x three",
            f"vol-delete one {POOL}", f"vol-delete one {POOL}", "vol-delete /default-pool/three --delete-snapshots",
            "vol-delete /default-pool/three", look, quiet=quiet,
        )  # fmt: skip


def test_identities(host: Host) -> None:
    words = ["one", "one default-pool", "/default-pool/one", "/default-pool/one default-pool", "nosuch",
             "nosuch default-pool", "one nosuch", "''", "one ''"]  # fmt: skip
    for command in ("vol-key", "vol-path", "vol-info", "vol-dumpxml", "vol-delete"):
        host.same(MADE, *(f"{command} {word}" for word in words))
    for command in ("vol-name", "vol-pool", "vol-pool --uuid"):
        host.same(MADE, *(f"{command} {word}" for word in ("one", "/default-pool/one", "nosuch", "''", "a b")))
    host.same(MADE, "pool-create-as other dir --target /other", "vol-info /default-pool/one other",
              "vol-info one other", f"pool-destroy {POOL}", f"vol-info one {POOL}", f"vol-list {POOL}",
              f"vol-create-as {POOL} x 1", "vol-name /default-pool/one")  # fmt: skip


def test_create_as(host: Host) -> None:
    sizes = ["1", "1k", "1KB", "1KiB", "1M", "10.5", "1x", "-1", "''", "abc", "' 7'", "18446744073709551615",
             "18446744073709551615K", "99999999999999999999", "1E", "1 GiB"]  # fmt: skip
    create = f"vol-create-as {POOL} name"
    host.same(*(f"{create} '{size.strip(chr(39))}' --print-xml" for size in sizes),
              *(f"{create} 1 --allocation '{size.strip(chr(39))}' --print-xml" for size in sizes))  # fmt: skip
    options = ["--format qcow2", "--format nosuch", "--format ''", "--backing-vol one", "--backing-vol nosuch",
               "--backing-vol /default-pool/one --backing-vol-format qcow2", "--backing-vol-format raw",
               "--backing-vol ''", "--prealloc-metadata", "1K raw", "1K raw /default-pool/one raw",
               "--format '<'"]  # fmt: skip
    for end in ("--print-xml", ""):
        host.same(MADE, *(f"vol-create-as {POOL} n{number} 1M {option} {end}" for number, option in enumerate(options)),
                  f"vol-list {POOL}", f"vol-dumpxml n3 {POOL}")  # fmt: skip
    host.script("vol-create-as", f"vol-create-as {POOL}", f"vol-create-as {POOL} x", "vol-create-as nosuch x 1y",
                f"vol-create-as {POOL} '' 1", f"vol-create-as {POOL} a/b 1", f"vol-create-as {POOL} x 1T --nosuch",
                f"vol-create-as {POOL} x 1T")  # fmt: skip


def test_refusals(host: Host, file: Path) -> None:
    text = file.parent / "text"
    host.same(f"vol-create {POOL} {text}", f"vol-create {POOL} /nonexistent", f"vol-create nosuch {file}",
              f"vol-create {POOL} ''", f"vol-create-from {POOL} {file} nosuch", f"vol-create-from {POOL} '' nosuch",
              f"vol-create-from {POOL} {file} one --inputpool nosuch", "vol-create-from nosuch '' one",
              "vol-create-from default-pool x one --inputpool ''")  # fmt: skip
    host.same(MADE, "vol-clone nosuch x", f"vol-clone one '' {POOL}", f"vol-clone one a/b {POOL}", "vol-clone one",
              f"vol-clone one 'a<b' {POOL}", f"vol-list {POOL}")  # fmt: skip
    sizes = ["2G", "-2G", "' -1'", "''", "abc", "1x"]
    host.same(MADE, *(f"vol-resize one {size} {POOL} {flag}" for size in sizes
                      for flag in ("", "--shrink", "--delta", "--allocate --delta --shrink")),
              "vol-resize nosuch ''")  # fmt: skip
    host.same(MADE, f"vol-wipe one {POOL}", f"vol-wipe one {POOL} --algorithm random", "vol-wipe one",
              f"vol-wipe one {POOL} nosuch", f"vol-wipe one {POOL} --algorithm ''",
              "vol-wipe nosuch --algorithm x")  # fmt: skip


def test_transfers_are_refused(host: Host, file: Path) -> None:
    new = file.parent / "new"
    for command, name in (("vol-upload", file), ("vol-download", new)):
        host.same(MADE, f"{command} one {name} {POOL}", f"{command} one /nonexistent/x {POOL}", f"{command} one ''",
                  f"{command} one '' {POOL}", f"{command} nosuch {name}", f"{command} one {name} {POOL} --sparse",
                  *(f"{command} nosuch {name} --{option} {value}" for option in ("offset", "length")
                    for value in ("x", "-5", "''", "1K", "18446744073709551615", "18446744073709551616")))  # fmt: skip
        assert not new.exists()


def test_read_only(host: Host, file: Path) -> None:
    changes = [MADE, f"vol-create {POOL} {file}", f"vol-clone one two {POOL}", f"vol-delete one {POOL}",
               f"vol-resize one 1 {POOL}", f"vol-wipe one {POOL}", f"vol-upload one {file} {POOL}"]  # fmt: skip
    host.same(*changes, f"vol-list {POOL} --details", readonly=True)


def test_json(host: Host) -> None:
    volume = {"pool": POOL, "name": "one", "key": "/default-pool/one"}
    made, listed, details, info, pool = host.json(
        f"{MADE}; vol-list {POOL}; vol-list {POOL} --details; vol-info one {POOL}; vol-pool /default-pool/one"
    )
    assert made == {"volume": volume}
    row = {"name": "one", "key": "/default-pool/one", "path": "/default-pool/one"}
    sizes = {"type": "file", "capacity_bytes": 1 << 30, "allocation_bytes": 1 << 20}
    assert listed == [row]
    assert details == [row | sizes]
    assert info == volume | sizes
    assert (pool["pool"]["name"], pool["volume"]) == (POOL, volume)
