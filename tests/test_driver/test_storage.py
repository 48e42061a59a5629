"""Storage pools and volumes."""

import pytest

from tests.test_driver.conftest import Both
from vsh.backends.records import StoragePoolRef, StorageVolRef

UUID = "11111111-2222-3333-4444-555555555555"
REF = StoragePoolRef("pool", bytes.fromhex(UUID.replace("-", "")))
IDENTITY = f"<name>pool</name><uuid>{UUID}</uuid>"
XML = f"<pool type='dir'>{IDENTITY}<target><path>/data//pool/</path></target></pool>"
TARGET = "<target><path>/t</path></target>"
#: (type, what stands in the pool besides name and uuid)
DEFINITIONS = [
    ("dir", "<target><path>/a</path><permissions><mode>0755</mode><owner>0</owner><group>-1</group>"
            "<label>l</label></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><mode>0999</mode></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><owner>x</owner></permissions></target>"),
    ("dir", ""),
    ("dir", "<target><path>/default-pool</path></target>"),
    ("dir", f"<features><cow state='no'/></features>{TARGET}<refresh><volume allocation='capacity'/></refresh>"),
    ("nonsense", TARGET),
    ("fs", TARGET),
    ("fs", f"<source><device path='/dev/sda1'/><format type='ext4'/></source>{TARGET}"),
    ("fs", f"<source><device path='/dev/sda1'/><format type='x'/></source>{TARGET}"),
    ("fs", f"<source><device/></source>{TARGET}"),
    ("netfs", "<source><host name='h' port='7'/><dir path='/x//y'/><format type='nfs'/><protocol ver='4'/></source>"
              + TARGET),
    ("netfs", f"<source><host name='h'/></source>{TARGET}"),
    ("netfs", f"<source><dir path='/x'/></source>{TARGET}"),
    ("logical", "<source><name>vg</name><device path='/dev/sdb'/></source>"),
    ("logical", ""),
    ("disk", f"<source><device path='/dev/sdc' part_separator='yes'/><format type='gpt'/></source>{TARGET}"),
    ("iscsi", "<source><host name='h'/><device path='iqn.x'/><initiator><iqn name='me'/></initiator></source>"
              + TARGET),
    ("iscsi-direct", "<source><host name='h'/><device path='d'/><initiator><iqn name='i'/></initiator></source>"),
    ("iscsi-direct", "<source><host name='h'/><device path='d'/></source>"),
    ("scsi", f"<source><adapter name='scsi_host0'/></source>{TARGET}"),
    ("scsi", f"<source><adapter type='scsi_host'/></source>{TARGET}"),
    ("scsi", f"<source/>{TARGET}"),
    ("mpath", TARGET),
    ("rbd", "<source><host name='m'/><name>p</name><auth type='ceph' username='a'><secret usage='u'/></auth></source>"),
    ("rbd", "<source><host name='m'/></source>"),
    ("gluster", "<source><host name='h'/><name>vol</name></source>"),
    ("zfs", "<source><name>tank/x</name></source>"),
    ("vstorage", f"<source><name>stor</name><vendor name='v'/><product name='p'/></source>{TARGET}"),
]  # fmt: skip
VOLUMES = [
    "",
    "<capacity>x</capacity>",
    "<capacity unit='X'>1</capacity>",
    "<capacity unit='GiB'>1</capacity>",
    "<capacity unit='G'>1</capacity><allocation>5</allocation>",
    "<capacity unit='TiB'>1</capacity>",
    "<capacity unit='TiB'>1</capacity><allocation unit='MB'>3</allocation>",
    "<capacity>1</capacity><target><format type='qcow2'/><compat>1.1</compat><features><lazy_refcounts/></features>"
    "<clusterSize unit='KiB'>64</clusterSize><permissions><mode>0644</mode></permissions></target>",
    "<capacity>1</capacity><target><features/></target>",
    "<capacity>1</capacity><target><features><x/></features></target>",
    "<capacity>1</capacity><target><compat>1</compat></target>",
    "<capacity>1</capacity><target><format type='x'/></target>",
    "<capacity>1</capacity><backingStore><path>/b</path><format type='qcow2'/></backingStore>",
    "<capacity>1</capacity><backingStore><format type='qcow2'/></backingStore>",
    "<key>k</key><source/><capacity>1</capacity><target><path>/elsewhere</path>"
    "<encryption format='luks'><secret type='passphrase' usage='u'/></encryption></target>",
]


def look(both: Both, pool: StoragePoolRef) -> None:
    """Everything that can be asked about a pool and its volumes."""
    both.scrub["storage_pool_list_all_volumes"] = lambda found: sorted(found, key=lambda vol: vol.key)
    both.scrub["storage_pool_list_volumes"] = sorted
    for call in (
        "get_xml_desc",
        "get_info",
        "get_autostart",
        "is_active",
        "is_persistent",
        "num_of_volumes",
        "list_volumes",
        "list_all_volumes",
    ):
        getattr(both, f"storage_pool_{call}")(pool)
    both.storage_pool_get_xml_desc(pool, 1)
    both.storage_pool_lookup_by_name(pool.name)
    both.storage_pool_lookup_by_uuid(pool.uuid)
    for call in ("list", "num_of"):
        for kind in ("storage_pools", "defined_storage_pools"):
            both.scrub[f"connect_{call}_{kind}"] = lambda value: sorted(value) if isinstance(value, list) else value
            getattr(both, f"connect_{call}_{kind}")()


@pytest.mark.parametrize(("kind", "part"), DEFINITIONS)
def test_definitions(both: Both, kind: str, part: str) -> None:
    xml = f"<pool type='{kind}'>{IDENTITY}{part}</pool>"
    both.storage_pool_define_xml(xml, 0)
    look(both, REF)
    both.storage_pool_create_xml(xml, 0)
    look(both, REF)
    volume = both.storage_vol_create_xml(REF, "<volume><name>v</name><capacity>10</capacity></volume>", 0)
    if isinstance(volume, StorageVolRef):
        both.storage_vol_get_info(volume)
        both.storage_vol_get_xml_desc(volume, 0)
        both.storage_vol_get_path(volume)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<name>pool</name>", ""),
        (">pool<", ">p/l<"),
        ("1111", "x"),
        (" type='dir'", ""),
        ("<pool", "<puddle"),
        (UUID, UUID.replace("1", "2")),
        (">pool<", ">lake<"),
    ],
)
def test_definitions_that_are_refused(both: Both, old: str, new: str) -> None:
    both.storage_pool_define_xml(XML, 0)
    both.storage_pool_define_xml(XML.replace(old, new), 0)
    both.storage_pool_create_xml(XML.replace(old, new), 0)
    both.storage_pool_define_xml(XML, 2)
    both.storage_pool_create_xml(XML, 4)


def test_lifecycle(both: Both) -> None:
    both.scrub["connect_list_all_storage_pools"] = sorted
    look(both, both.storage_pool_lookup_by_name("default-pool"))
    look(both, REF)
    both.storage_pool_define_xml(XML, 0)
    for step in ("build", "create", "create", "refresh", "build", "delete", "undefine", "destroy", "destroy", "refresh",
                 "delete", "undefine", "undefine"):  # fmt: skip
        arguments = [REF] if step in ("undefine", "destroy") else [REF, 0]
        getattr(both, f"storage_pool_{step}")(*arguments)
        look(both, REF)
        for bit in range(21):
            both.connect_list_all_storage_pools(1 << bit)
    both.storage_pool_create_xml(XML, 0)
    both.storage_pool_set_autostart(REF, 1)
    both.storage_pool_define_xml(XML, 0)
    both.storage_pool_set_autostart(REF, 1)
    look(both, REF)
    both.storage_pool_destroy(REF)
    look(both, REF)


def test_volumes(both: Both) -> None:
    pool = both.storage_pool_lookup_by_name("default-pool")
    for number, part in enumerate(VOLUMES):
        xml = f"<volume><name>v{number}</name>{part}</volume>"
        volume = both.storage_vol_create_xml(pool, xml, 0)
        look(both, pool)
        if not isinstance(volume, StorageVolRef):
            volume = StorageVolRef("default-pool", f"v{number}", "/nowhere")
        for call in ("get_xml_desc", "get_info", "get_path"):
            getattr(both, f"storage_vol_{call}")(volume)
        both.storage_vol_lookup_by_name(pool, volume.name)
        both.storage_vol_lookup_by_key(volume.key)
        both.storage_vol_lookup_by_path(volume.key)
        both.storage_pool_lookup_by_volume(volume)
    full = "<volume><name>v3</name><capacity>1</capacity></volume>"
    both.storage_vol_create_xml(pool, full, 0)
    both.storage_vol_create_xml(pool, "<volume/>", 0)
    both.storage_vol_create_xml(pool, full.replace("v3", "w"), 1)
    source = StorageVolRef("default-pool", "v3", "/default-pool/v3")
    both.storage_vol_create_xml_from(pool, full.replace("v3", "clone"), source, 0)
    both.storage_vol_create_xml_from(pool, full.replace("v3", "clone2"), source._replace(name="none"), 0)
    both.storage_vol_delete(source, 0)
    both.storage_vol_delete(source, 0)
    both.storage_vol_wipe(source, 0)
    look(both, pool)
    both.storage_pool_destroy(pool)
    both.storage_vol_get_path(source)
    look(both, pool)


def test_finding_sources(both: Both) -> None:
    spec = "<source><host name='server'/></source>"
    for kind in ("logical", "netfs", "disk", "dir", "nonsense"):
        both.connect_find_storage_pool_sources(kind, None, 0)
        both.connect_find_storage_pool_sources(kind, spec, 0)
