"""Definitions of storage pools and volumes: what is made of each, or why it is refused."""
# ruff: noqa: E501 (one document a line)

from contextlib import suppress
from typing import Any

from tests.live.libvirtd import Libvirtd
from vsh.backends import api
from vsh.backends.errors import VirtError

TARGET = "<target><path>/t</path></target>"
UUID = "11111111-2222-3333-4444-555555555555"
#: (type, what stands in the pool besides name and uuid)
POOLS = [
    ("dir", "<target><path>/a</path><permissions/></target>"),
    ("dir", "<target><path>/a</path><permissions><mode/></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><mode>7777</mode></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><owner>-1</owner><group>-1</group></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><owner>4294967295</owner></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><group>x</group></permissions></target>"),
    ("dir", "<target><path>/a</path><permissions><mode>0755</mode><label/></permissions></target>"),
    ("dir", "<target><path/></target>"),
    ("dir", f"<features><cow state='x'/></features>{TARGET}"),
    ("dir", f"<features/>{TARGET}"),
    ("dir", f"<features><cow/></features>{TARGET}"),
    ("netfs", f"<features><cow state='yes'/></features><source><host name='h'/><dir path='/x'/></source>{TARGET}"),
    ("dir", "<target><path>/a</path><permissions><owner/></permissions></target>"),
    ("fs", f"<source><device path='/dev/a'/><vendor name=''/><product name=''/></source>{TARGET}"),
    ("dir", f"{TARGET}<refresh/>"),
    ("dir", f"{TARGET}<refresh><volume/></refresh>"),
    ("dir", f"{TARGET}<refresh><volume allocation='x'/></refresh>"),
    ("dir", f"{TARGET}<refresh><volume allocation='default'/></refresh>"),
    ("dir", f"<capacity unit='x'>5</capacity>{TARGET}"),
    (
        "dir",
        f"<source><dir path='/src'/><host name='h'/><name>n</name><format type='x'/><vendor name='v'/></source>{TARGET}",
    ),
    ("fs", f"<source><device path='/dev/a'/><device path='/dev/b'/></source>{TARGET}"),
    ("fs", f"<source><device path='/dev/a'/><vendor name='v'/><product name='p'/></source>{TARGET}"),
    ("fs", f"<source><device path='/dev/a'/><format/></source>{TARGET}"),
    ("fs", f"<source><device path='/dev/a'/><format type=''/></source>{TARGET}"),
    ("fs", f"<source><device path=''/></source>{TARGET}"),
    ("netfs", f"<source><host name='a'/><host name='b'/><dir path='/x'/></source>{TARGET}"),
    ("netfs", f"<source><host/><dir path='/x'/></source>{TARGET}"),
    ("netfs", f"<source><host name='a' port='x'/><dir path='/x'/></source>{TARGET}"),
    ("netfs", f"<source><host name='a' port='-1'/><dir path='/x'/></source>{TARGET}"),
    ("netfs", f"<source><host name='a'/><dir path='/x'/><protocol ver='4,x'/></source>{TARGET}"),
    ("netfs", f"<source><host name='a'/><dir path='/x'/><protocol/></source>{TARGET}"),
    ("netfs", f"<source><host name='a'/><dir path='/x'/><format type='auto'/></source>{TARGET}"),
    ("netfs", f"<source><host name='a'/><dir path='/x'/><format type='glusterfs'/></source>{TARGET}"),
    ("netfs", f"<source><host name='a'/><dir/></source>{TARGET}"),
    ("logical", "<source><name>vg</name></source>"),
    ("logical", f"<source><name>vg</name><format type='unknown'/></source>{TARGET}"),
    ("logical", f"<source><device path='/dev/x'/></source>{TARGET}"),
    ("logical", "<source><name/></source>"),
    ("disk", f"<source><device path='/dev/x'/></source>{TARGET}"),
    ("disk", f"<source><device path='/dev/x' part_separator='x'/></source>{TARGET}"),
    ("disk", f"<source><device path='/dev/x' part_separator='no'/><format type='dos'/></source>{TARGET}"),
    ("disk", f"<source><device path='/dev/x'/><device path='/dev/y'/><format type='lvm2'/></source>{TARGET}"),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth type='chap' username='u'><secret usage='s'/></auth></source>{TARGET}",
    ),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth type='x' username='u'><secret usage='s'/></auth></source>{TARGET}",
    ),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth type='chap'><secret usage='s'/></auth></source>{TARGET}",
    ),
    ("iscsi", f"<source><host name='h'/><device path='i'/><auth type='chap' username='u'/></source>{TARGET}"),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth type='chap' username='u'><secret/></auth></source>{TARGET}",
    ),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth type='chap' username='u'><secret uuid='x'/></auth></source>{TARGET}",
    ),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth type='chap' username='u'><secret uuid='2ec115d7-3a88-3ceb-bc12-0ac909a6fd87'/></auth></source>{TARGET}",
    ),
    (
        "iscsi",
        f"<source><host name='h'/><device path='i'/><auth username='u'><secret usage='s'/></auth></source>{TARGET}",
    ),
    ("iscsi", f"<source><host name='h'/><initiator><iqn/></initiator></source>{TARGET}"),
    ("iscsi", f"<source><device path='i'/></source>{TARGET}"),
    (
        "iscsi-direct",
        f"<source><host name='h'/><device path='d'/><initiator><iqn name='i'/></initiator></source>{TARGET}",
    ),
    ("scsi", f"<source><adapter/></source>{TARGET}"),
    ("scsi", f"<source><adapter type='x'/></source>{TARGET}"),
    ("scsi", f"<source><adapter name='host0'/></source>{TARGET}"),
    ("scsi", f"<source><adapter type='scsi_host' name='scsi_host0'/></source>{TARGET}"),
    ("scsi", f"<source><adapter type='fc_host' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>{TARGET}"),
    (
        "scsi",
        f"<source><adapter type='fc_host' parent='scsi_host3' managed='yes' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter type='fc_host' managed='x' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter type='fc_host' parent_wwnn='20000000c9831b4b' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter type='fc_host' parent_wwpn='20000000c9831b4b' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter type='fc_host' parent_fabric_wwn='20000000c9831b4b' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source>{TARGET}",
    ),
    ("scsi", f"<source><adapter type='fc_host' wwnn='x' wwpn='10000000c9831b4b'/></source>{TARGET}"),
    ("scsi", f"<source><adapter type='fc_host' wwnn='20000000c9831b4b'/></source>{TARGET}"),
    ("scsi", f"<source><adapter parent='scsi_host3'/></source>{TARGET}"),
    (
        "scsi",
        f"<source><adapter type='scsi_host'><parentaddr unique_id='1'><address domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/></parentaddr></adapter></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter type='scsi_host'><parentaddr><address domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/></parentaddr></adapter></source>{TARGET}",
    ),
    ("scsi", f"<source><adapter type='scsi_host'><parentaddr unique_id='1'/></adapter></source>{TARGET}"),
    (
        "scsi",
        f"<source><adapter type='scsi_host' name='x'><parentaddr unique_id='1'><address bus='0x00' slot='0x1f' function='0x2'/></parentaddr></adapter></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter><parentaddr unique_id='1'><address bus='0x00' slot='0x1f' function='0x2'/></parentaddr></adapter></source>{TARGET}",
    ),
    (
        "scsi",
        f"<source><adapter type='scsi_host'><parentaddr unique_id='x'><address bus='0x00' slot='0x1f' function='0x2'/></parentaddr></adapter></source>{TARGET}",
    ),
    ("mpath", ""),
    ("mpath", f"<source><name>x</name></source>{TARGET}"),
    ("rbd", "<source><host name='m' port='6789'/><host name='n'/><name>p</name></source>"),
    ("rbd", "<source><name>p</name></source>"),
    ("rbd", f"<source><host name='m'/><name>p</name></source>{TARGET}"),
    ("sheepdog", "<source><host name='m' port='7000'/><name>p</name></source>"),
    ("sheepdog", "<source><host name='m'/></source>"),
    ("sheepdog", "<source/>"),
    ("gluster", "<source><host name='h'/><name>vol</name><dir path='/sub'/></source>"),
    ("gluster", "<source><host name='h'/><dir path='sub//x'/></source>"),
    ("zfs", "<source><name>tank/x</name><device path='/dev/a'/></source>"),
    ("zfs", ""),
    ("vstorage", TARGET),
    ("vstorage", f"<source/>{TARGET}"),
]
CAPACITY = "<capacity>1048576</capacity>"
VOLUMES = [
    "",
    "<capacity/>",
    "<capacity>-1</capacity>",
    "<capacity unit='KiB'>18446744073709551615</capacity>",
    "<capacity unit='x'>1</capacity>",
    CAPACITY + "<allocation/>",
    CAPACITY + "<allocation>x</allocation>",
    CAPACITY + "<allocation unit='x'>1</allocation>",
    CAPACITY + "<allocation>0</allocation>",
    CAPACITY + "<physical unit='bytes'>5</physical>",
    CAPACITY + "<key>k</key>",
    CAPACITY + "<source/>",
    CAPACITY + "<source><device path='/x'/></source>",
    CAPACITY + "<target/>",
    CAPACITY + "<target><path>/elsewhere/x</path></target>",
    CAPACITY + "<target><format/></target>",
    CAPACITY + "<target><format type=''/></target>",
    *[
        CAPACITY + f"<target><format type='{f}'/></target>"
        for f in (
            "raw",
            "dir",
            "bochs",
            "cloop",
            "dmg",
            "iso",
            "vpc",
            "vdi",
            "fat",
            "vhd",
            "ploop",
            "cow",
            "qcow",
            "qcow2",
            "qed",
            "vmdk",
            "luks",
            "unknown",
            "none",
        )
    ],
    CAPACITY + "<target><permissions/></target>",
    CAPACITY
    + "<target><permissions><mode>0640</mode><owner>107</owner><group>107</group><label>virt_image_t</label></permissions></target>",
    CAPACITY + "<target><permissions><mode>9</mode></permissions></target>",
    CAPACITY + "<target><permissions><owner>x</owner></permissions></target>",
    CAPACITY + "<target><timestamps><atime>1341933637.273190990</atime></timestamps></target>",
    CAPACITY + "<target><compat>0.10</compat></target>",
    CAPACITY + "<target><compat/></target>",
    CAPACITY + "<target><compat>1.x</compat></target>",
    CAPACITY + "<target><compat>1.1.1</compat></target>",
    CAPACITY + "<target><compat>x.1</compat></target>",
    CAPACITY + "<target><nocow/></target>",
    CAPACITY + "<target><nocow/><features/></target>",
    CAPACITY + "<target><clusterSize>65536</clusterSize></target>",
    CAPACITY + "<target><clusterSize unit='KiB'>64</clusterSize></target>",
    CAPACITY + "<target><clusterSize unit='x'>64</clusterSize></target>",
    CAPACITY + "<target><clusterSize>x</clusterSize></target>",
    CAPACITY + "<target><clusterSize/></target>",
    CAPACITY + "<target><features><lazy_refcounts/></features></target>",
    CAPACITY + "<target><features><extended_l2/></features><compat>0.10</compat></target>",
    CAPACITY + "<target><features><lazy_refcounts/><extended_l2/></features></target>",
    CAPACITY
    + "<target><encryption format='luks'><secret type='passphrase' usage='u'/><cipher name='aes' size='256' mode='cbc' hash='sha256'/><ivgen name='plain64' hash='sha256'/></encryption></target>",
    CAPACITY + "<target><encryption format='luks'/></target>",
    CAPACITY + "<target><encryption/></target>",
    CAPACITY + "<target><encryption format='x'/></target>",
    CAPACITY
    + "<target><encryption format='qcow'><secret type='passphrase' uuid='2ec115d7-3a88-3ceb-bc12-0ac909a6fd87'/></encryption></target>",
    CAPACITY + "<target><encryption format='default'/></target>",
    CAPACITY + "<target><encryption format='luks'><secret type='x' usage='u'/></encryption></target>",
    CAPACITY + "<target><encryption format='luks'><secret usage='u'/></encryption></target>",
    CAPACITY + "<target><encryption format='luks'><secret type='passphrase'/></encryption></target>",
    CAPACITY + "<target><encryption format='luks'><cipher name='aes'/></encryption></target>",
    CAPACITY + "<target><encryption format='luks'><ivgen name='x'/></encryption></target>",
    CAPACITY
    + "<target><encryption format='luks' engine='qemu'><secret type='passphrase' usage='u'/></encryption></target>",
    CAPACITY + "<backingStore/>",
    CAPACITY + "<backingStore><path/></backingStore>",
    CAPACITY + "<backingStore><path>/b</path></backingStore>",
    CAPACITY + "<backingStore><path>/b</path><format type='x'/></backingStore>",
    CAPACITY
    + "<backingStore><path>/b</path><format type='raw'/><permissions><mode>0600</mode></permissions></backingStore>",
    "<backingStore><path>/b</path></backingStore>",
]
WHOLE = [
    f"<volume type='{t}'><name>v</name>{CAPACITY}</volume>"
    for t in ("file", "block", "dir", "network", "netdir", "ploop", "x", "")
] + [
    "<volume/>",
    f"<volume><name/>{CAPACITY}</volume>",
    f"<volume><name>a/b</name>{CAPACITY}</volume>",
    f"<vol><name>v</name>{CAPACITY}</vol>",
    "<volume><name>v</name>",
    "",
]


def defined(conn: api.Connection, kind: str, part: str) -> str:
    """A pool's XML once it is defined, or the error."""
    try:
        pool = conn.storage_pool_define_xml(f"<pool type='{kind}'><name>p</name><uuid>{UUID}</uuid>{part}</pool>", 0)
        xml = conn.storage_pool_get_xml_desc(pool, 0)
    except VirtError as error:
        return f"{error.code} {error.message}"
    with suppress(VirtError):
        conn.storage_pool_undefine(pool)
    return xml


def created(conn: api.Connection, pool: Any, xml: str) -> str:
    """A volume's XML once it is created, or the error."""
    try:
        volume = conn.storage_vol_create_xml(pool, xml, 0)
        made = conn.storage_vol_get_xml_desc(volume, 0)
        conn.storage_vol_delete(volume, 0)
    except VirtError as error:
        return f"{error.code} {error.message}"
    return made


def test_pools(libvirtd: Libvirtd) -> None:
    ours, theirs = api.open("test:///default"), api.open(libvirtd.uri("test"))
    wrong = []
    for part in POOLS:
        wanted, seen = (defined(conn, *part) for conn in (theirs, ours))
        if seen != wanted:
            wrong.append((part, wanted, seen))
    ours.close()
    theirs.close()
    assert not wrong


def test_volumes(libvirtd: Libvirtd) -> None:
    """In pools whose volumes have formats of files, of partitions, and none."""
    ours, theirs = api.open("test:///default"), api.open(libvirtd.uri("test"))
    wrong = []
    pools = {
        "dir": TARGET,
        "disk": f"<source><device path='/dev/x'/></source>{TARGET}",
        "logical": "<source><name>vg</name></source>",
    }
    texts = [*(f"<volume><name>v</name>{part}</volume>" for part in VOLUMES), *WHOLE]
    for kind, part in pools.items():
        xml = f"<pool type='{kind}'><name>pool-{kind}</name><uuid>{UUID[:-1]}{len(kind)}</uuid>{part}</pool>"
        both = [(conn, conn.storage_pool_create_xml(xml, 0)) for conn in (theirs, ours)]
        for text in texts:
            wanted, seen = (created(conn, pool, text) for conn, pool in both)
            if seen != wanted:
                wrong.append((kind, text, wanted, seen))
    ours.close()
    theirs.close()
    assert not wrong
