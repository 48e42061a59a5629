"""What is killed in tests of faults: makes calls at random, for ever.

python -m tests.qemu.worker FAMILY URI FOLDER SEED COUNT. FOLDER has template.xml, a guest called NAME, and disk0.img
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

from vsh.backends import api
from vsh.backends.constants import domain as const
from vsh.backends.errors import VirtError

UUID = "6695eb01-f6a4-8304-79aa-97f2502e00{:02x}"
DISK = "<disk type='file'><driver name='qemu' type='raw'/><source file='{}'/><target dev='vdb' bus='virtio'/></disk>"
VOLUME = "<volume><name>v{}</name><capacity>{}</capacity><target><format type='{}'/></target></volume>"
Steps = list[Callable[[], object]]


def guest(conn: api.Connection, number: int, folder: Path, chance: random.Random) -> tuple[str, Callable[[], object]]:
    """The XML of a guest, and how it is found by its name."""
    uuid = f"<uuid>{UUID.format(number)}</uuid>"
    xml = (folder / "template.xml").read_text().replace("<memory", uuid + "<memory").replace(">NAME<", f">k{number}<")
    return xml.replace("<vcpu>1<", f"<vcpu>{chance.randrange(1, 9)}<"), lambda: conn.domain_lookup_by_name(f"k{number}")


def definitions(conn: api.Connection, number: int, folder: Path, chance: random.Random) -> Steps:
    """Defines, starts, stops, renames, undefines."""
    xml, named = guest(conn, number, folder, chance)
    uuid = bytes.fromhex(UUID.format(number).replace("-", ""))
    return [
        lambda: conn.domain_define_xml_flags(xml, 0),
        lambda: conn.domain_create_with_flags(named(), 0),
        lambda: conn.domain_suspend(named()),
        lambda: conn.domain_rename(named(), f"r{number}", 0),
        lambda: conn.domain_destroy_flags(named(), 0),
        lambda: conn.domain_create_xml(xml, 0),
        lambda: conn.domain_undefine_flags(conn.domain_lookup_by_uuid(uuid), 0),
    ]


def life(conn: api.Connection, number: int, folder: Path, chance: random.Random) -> Steps:
    """Saves, restores, plugs disks in and out, undefines with what belongs to a guest."""
    xml, named = guest(conn, number, folder, chance)
    saved, disk = str(folder / f"k{number}.saved"), DISK.format(folder / f"disk{number}.img")
    both = const.DOMAIN_AFFECT_LIVE | const.DOMAIN_AFFECT_CONFIG
    return [
        lambda: conn.domain_define_xml_flags(xml, 0),
        lambda: conn.domain_create_with_flags(named(), 0),
        lambda: conn.domain_create_with_flags(named(), const.DOMAIN_START_FORCE_BOOT),
        lambda: conn.domain_save_flags(named(), saved, None, 0),
        lambda: Path(saved).exists() and conn.domain_restore_flags(saved, None, 0),
        lambda: conn.domain_managed_save(named(), 0),
        lambda: conn.domain_managed_save_remove(named(), 0),
        lambda: conn.domain_attach_device_flags(named(), disk, both),
        lambda: conn.domain_detach_device_flags(named(), disk, both),
        lambda: conn.domain_undefine_flags(named(), const.DOMAIN_UNDEFINE_MANAGED_SAVE),
    ]


def storage(conn: api.Connection, number: int, folder: Path, chance: random.Random) -> Steps:
    """Pools, volumes and secrets come, change and go."""
    path = folder / f"pool{number}"
    pool = f"<pool type='dir'><name>p{number}</name><target><path>{path}</path></target></pool>"
    secret = f"<secret ephemeral='{chance.choice(('yes', 'no'))}'><uuid>{UUID.format(number)}</uuid></secret>"
    size = chance.randrange(1, 8) << 20
    volume = VOLUME.format(chance.randrange(4), size, chance.choice(("raw", "qcow2")))

    def named() -> object:
        return conn.storage_pool_lookup_by_name(f"p{number}")

    def some() -> object:
        return conn.storage_vol_lookup_by_name(named(), f"v{chance.randrange(4)}")

    return [
        lambda: conn.storage_pool_define_xml(pool, 0),
        lambda: conn.storage_pool_create_xml(pool, 1),
        lambda: conn.storage_pool_create(named(), 1),
        lambda: conn.storage_pool_set_autostart(named(), chance.randrange(2)),
        lambda: conn.storage_pool_destroy(named()),
        lambda: conn.storage_pool_undefine(named()),
        lambda: conn.storage_vol_create_xml(named(), volume, 0),
        lambda: conn.storage_vol_create_xml_from(named(), volume, some(), 0),
        lambda: conn.storage_vol_resize(some(), size, 4),
        lambda: conn.storage_vol_delete(some(), 0),
        lambda: conn.secret_define_xml(secret, 0),
        lambda: conn.secret_set_value(conn.connect_list_all_secrets(0)[0], bytes(chance.randrange(9000)), 0),
        lambda: conn.secret_undefine(conn.connect_list_all_secrets(0)[0]),
    ]


def snapshots(conn: api.Connection, number: int, folder: Path, chance: random.Random) -> Steps:
    """Takes snapshots of all kinds, goes back to them, deletes them; makes checkpoints and backs up."""
    xml, _ = guest(conn, number, folder, chance)
    disk = DISK.format(folder / f"images/k{number}.qcow2").replace("'raw'", "'qcow2'")
    xml = xml.replace("<controller", disk + "<controller", 1)
    name = f"<name>s{chance.randrange(4)}</name>"
    found = {ref.name: ref for ref in conn.connect_list_all_domains(0)}

    def named() -> object:
        return found.get(f"k{number}") or conn.domain_define_xml_flags(xml, 0)

    memory = f"<memory snapshot='external' file='{folder}/images/k{number}.{chance.randrange(4)}.memory'/>"

    def some() -> object:
        return chance.choice(conn.domain_list_all_snapshots(named(), 0))

    def take(inside: str = "", flags: int = 0) -> object:
        return conn.domain_snapshot_create_xml(named(), f"<domainsnapshot>{name}{inside}</domainsnapshot>", flags)

    def mark() -> object:
        return conn.domain_checkpoint_create_xml(named(), f"<domaincheckpoint>{name}</domaincheckpoint>", 0)

    return [
        lambda: conn.domain_create_with_flags(named(), 0),
        lambda: conn.domain_destroy_flags(named(), 0),
        lambda: take(),
        lambda: take(flags=const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY),
        lambda: take(flags=const.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY),
        lambda: take(memory),
        lambda: conn.domain_revert_to_snapshot(some(), 0),
        lambda: conn.domain_snapshot_delete(some(), 0),
        lambda: conn.domain_snapshot_delete(some(), const.DOMAIN_SNAPSHOT_DELETE_CHILDREN),
        mark,
        lambda: conn.domain_checkpoint_delete(conn.domain_list_all_checkpoints(named(), 0)[0], 0),
    ]


FAMILIES = {"definitions": definitions, "life": life, "storage": storage, "snapshots": snapshots}
#: What nobody may be told, whatever happens at once.
BAD = ("internal error", "cannot access", "cannot start", "damaged")
#: What is said in the same words and is as it should be.
FINE = ("pool has no config file", "already in use", "private flag", "defined for use", "already exists")


def main(family: str, uri: str, folder: str, seed: str, count: str) -> None:
    conn, chance = api.open(uri), random.Random(seed)
    print("ready", flush=True)
    while True:
        steps = FAMILIES[family](conn, chance.randrange(int(count)), Path(folder), chance)
        try:
            chance.choice(steps)()
        except IndexError:
            pass  # nothing there to change
        except VirtError as error:
            said = str(error)
            if any(words in said for words in BAD) and not any(words in said for words in FINE):
                print(error, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
