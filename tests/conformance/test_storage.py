"""What calls about pools, volumes and secrets promise each other."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import shapes
from tests.conformance.test_events import Seen, wait_until
from vsh.backends import api
from vsh.backends.constants import secret as secrets
from vsh.backends.constants import storage as const
from vsh.backends.errors import (
    INVALID_SECRET,
    NO_SECRET,
    NO_STORAGE_POOL,
    NO_STORAGE_VOL,
    NO_SUPPORT,
    OPERATION_INVALID,
    VirtError,
)

POOL = "<pool type='dir'><name>vsh-pool</name><target><path>{}</path></target></pool>"
VOLUME = "<volume><name>{}</name><capacity>1048576</capacity><target><format type='{}'/></target></volume>"
SECRET = "<secret private='{}'><usage type='ceph'><name>vsh-secret</name></usage></secret>"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a pool, wherever it is looked at from."""
    path = Path(tempfile.mkdtemp(prefix="vsh-p", dir="/tmp"))
    path.chmod(0o777)
    yield path / "pool"
    shutil.rmtree(path)


def code(call: "object", *args: object) -> int:
    """The code with which a call fails."""
    with pytest.raises(VirtError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value.code


def test_a_pool_comes_and_goes(conn: api.Connection, folder: Path) -> None:
    seen = Seen()
    conn.subscribe("storage_pool_event_lifecycle", None, seen)
    pool = conn.storage_pool_define_xml(POOL.format(folder), 0)
    try:
        assert conn.storage_pool_lookup_by_name("vsh-pool") == conn.storage_pool_lookup_by_uuid(pool.uuid) == pool
        assert pool in conn.connect_list_all_storage_pools(1) and pool not in conn.connect_list_all_storage_pools(2)
        assert code(conn.storage_pool_destroy, pool) == OPERATION_INVALID
        conn.storage_pool_build(pool, 0)
        conn.storage_pool_create(pool, 0)
        assert pool in conn.connect_list_all_storage_pools(2)
        assert (conn.storage_pool_is_active(pool), conn.storage_pool_is_persistent(pool)) == (1, 1)
        conn.storage_pool_set_autostart(pool, 1)
        assert conn.storage_pool_get_autostart(pool) == 1
        info = conn.storage_pool_get_info(pool)
        assert info.state == const.STORAGE_POOL_RUNNING
        assert info.capacity == info.allocation + info.available > 0
        assert f"<path>{folder}</path>" in conn.storage_pool_get_xml_desc(pool, 0)
        assert code(conn.storage_pool_create, pool, 0) == OPERATION_INVALID
        conn.storage_pool_destroy(pool)
    finally:
        if conn.storage_pool_is_active(pool):
            conn.storage_pool_destroy(pool)
        conn.storage_pool_undefine(pool)
    assert code(conn.storage_pool_lookup_by_uuid, pool.uuid) == NO_STORAGE_POOL
    wait_until(lambda: bool(seen) and seen[-1].event == const.STORAGE_POOL_EVENT_UNDEFINED)
    assert [event.event for event in seen] == [
        const.STORAGE_POOL_EVENT_DEFINED,
        const.STORAGE_POOL_EVENT_CREATED,
        const.STORAGE_POOL_EVENT_STARTED,
        const.STORAGE_POOL_EVENT_STOPPED,
        const.STORAGE_POOL_EVENT_UNDEFINED,
    ]
    assert not any(shapes.event_fault("storage_pool_event_lifecycle", event) for event in seen)


def test_volumes_are_found_by_name_key_and_path(conn: api.Connection, folder: Path) -> None:
    pool = conn.storage_pool_define_xml(POOL.format(folder), 0)
    try:
        conn.storage_pool_build(pool, 0)
        conn.storage_pool_create(pool, 0)
        made = [conn.storage_vol_create_xml(pool, VOLUME.format(name, "raw"), 0) for name in "ab"]
        assert set(conn.storage_pool_list_all_volumes(pool, 0)) == set(made)
        assert sorted(conn.storage_pool_list_volumes(pool)) == ["a", "b"]
        path = conn.storage_vol_get_path(made[0])
        assert path == f"{folder}/a"
        for found in (
            conn.storage_vol_lookup_by_name(pool, "a"),
            conn.storage_vol_lookup_by_key(made[0].key),
            conn.storage_vol_lookup_by_path(path),
        ):
            assert found == made[0]
        assert conn.storage_pool_lookup_by_volume(made[0]) == pool
        assert conn.storage_vol_get_info(made[0]).capacity == 1 << 20
        copy = conn.storage_vol_create_xml_from(pool, VOLUME.format("copy", "raw"), made[0], 0)
        assert "<name>copy</name>" in conn.storage_vol_get_xml_desc(copy, 0)
        for volume in (*made, copy):
            conn.storage_vol_delete(volume, 0)
        assert conn.storage_pool_list_all_volumes(pool, 0) == []
        assert code(conn.storage_vol_lookup_by_name, pool, "a") == NO_STORAGE_VOL
    finally:
        conn.storage_pool_destroy(pool)
        conn.storage_pool_undefine(pool)


def test_what_goes_into_a_volume_comes_out(conn: api.Connection, folder: Path) -> None:
    if conn.supports("storage_vol_upload") is False:
        pytest.skip("volumes of this host have no content")
    data = bytes(range(256)) * 4096
    try:
        pool = conn.storage_pool_create_xml(POOL.format(folder), const.STORAGE_POOL_CREATE_WITH_BUILD)
    except VirtError:
        pytest.skip("pools of this host are not real")
    try:
        volume = conn.storage_vol_create_xml(pool, VOLUME.format("v", "raw"), 0)
        _, stream = conn.storage_vol_upload(volume, 0, 0, 0)
        for at in range(0, len(data), 300_000):
            stream.send(data[at : at + 300_000])
        stream.finish()
        _, stream = conn.storage_vol_download(volume, 1000, 700_000, 0)
        found = b""
        while piece := stream.recv(1 << 16):
            found += piece
        stream.finish()
        assert found == data[1000:701_000]
        conn.storage_vol_resize(volume, 2 << 20, 0)
        assert conn.storage_vol_get_info(volume).capacity == 2 << 20
        conn.storage_vol_wipe(volume, 0)
        _, stream = conn.storage_vol_download(volume, 0, 4096, 0)
        assert stream.recv(4096) == bytes(4096)
        stream.abort()
        conn.storage_vol_delete(volume, 0)
    finally:
        conn.storage_pool_destroy(pool)


@pytest.mark.parametrize("private", ["no", "yes"])
def test_a_secret_keeps_its_value(conn: api.Connection, private: str) -> None:
    seen = Seen()
    try:
        conn.subscribe("secret_event_lifecycle", None, seen)
        secret = conn.secret_define_xml(SECRET.format(private), 0)
    except VirtError as error:
        assert error.code == NO_SUPPORT
        pytest.skip("this host has no secrets")
    try:
        assert conn.secret_lookup_by_uuid(secret.uuid) == secret
        assert conn.secret_lookup_by_usage(secrets.SECRET_USAGE_TYPE_CEPH, "vsh-secret") == secret
        assert secret in conn.connect_list_all_secrets(0)
        assert f"private='{private}'" in conn.secret_get_xml_desc(secret, 0)
        value = b"\0a value\xff\n"
        if private == "no":
            assert code(conn.secret_get_value, secret, 0) == NO_SECRET
        conn.secret_set_value(secret, value, 0)
        if private == "no":
            assert conn.secret_get_value(secret, 0) == value
        else:
            assert code(conn.secret_get_value, secret, 0) == INVALID_SECRET
    finally:
        conn.secret_undefine(secret)
    assert code(conn.secret_lookup_by_uuid, secret.uuid) == NO_SECRET
    wait_until(lambda: len(seen) == 2)
    assert [event.event for event in seen] == [secrets.SECRET_EVENT_DEFINED, secrets.SECRET_EVENT_UNDEFINED]
