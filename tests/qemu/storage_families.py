"""Domains whose disks and memory say all that they may: (what stands beside the devices, devices)."""

_SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
_CELL = (
    "<cpu mode='custom'><model>Nehalem</model><numa><cell id='0' cpus='0-1' memory='256' unit='MiB'/></numa></cpu>"
    "<maxMemory slots='4' unit='MiB'>4096</maxMemory>"
)

DISKS = [
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='nbd' name='exp,a=b'><host name='h.example' port='10810'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='qcow2' cache='none'/>"
     "<source protocol='nbd'><host transport='unix' socket='/tmp/n,bd'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='iscsi' name='iqn.2013-07.com.example:iscsi-nopool/2'>"
     "<host name='example.com' port='3260'/><initiator><iqn name='iqn.2013-07.com.example:client'/>"
     "</initiator></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='lun'><driver name='qemu' type='raw'/>"
     "<source protocol='iscsi' name='iqn.2013-07.com.example:iscsi-nopool'><host name='example.com'/>"
     "</source><target dev='sda' bus='scsi'/></disk>"),
    ("",
     "<disk type='network' device='cdrom'><driver name='qemu' type='raw'/>"
     "<source protocol='http' name='url_path' query='foo=bar&amp;baz=flurb'>"
     "<host name='hostname' port='80'/><readahead size='65536'/><timeout seconds='10'/></source>"
     "<target dev='sdc' bus='sata'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='https' name='u'><host name='hostname'/></source><target dev='vda' bus='virtio'/>"
     "</disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='ftp' name='u'>"
     "<host name='hostname'/></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='ftps' name='u'>"
     "<host name='hostname'/></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='rbd' name='pool/image'><host name='mon1.example.org' port='6321'/>"
     "<host name='mon2.example.org' port='6322'/><snapshot name='snap'/><config file='/etc/ceph/x.conf'/>"
     "</source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='rbd' name='pool/ns/image'/><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='ssh' name='/path/x'><host name='h' port='22'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='gluster' name='vol/img'><host name='h' port='24007'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='gluster' name='vol/img'><host transport='unix' socket='/tmp/g'/>"
     "<host name='b' transport='tcp'/></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
     "<source protocol='nfs' name='/x/y'><host name='h'/><identity user='1000' group='+1001'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'>"
     "<host name='h'/></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='dir' device='floppy'><driver name='qemu' type='fat'/><source dir='/tmp'/>"
     "<target dev='fda' bus='fdc'/><readonly/></disk>"),
    (_SHARED,
     "<disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/>"
     "<source type='unix' path='/tmp/vh,.sock'><reconnect enabled='yes' timeout='10'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec>1000000</total_bytes_sec>"
     "<total_bytes_sec_max>2000000</total_bytes_sec_max><read_iops_sec>100</read_iops_sec><write_iops_sec>"
     "50</write_iops_sec><size_iops_sec>4096</size_iops_sec><group_name>g,1</group_name>"
     "<total_bytes_sec_max_length>3</total_bytes_sec_max_length></iotune></disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='raw' copy_on_read='on'/>"
     "<source file='/tmp/a'/><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='qcow2'><metadata_cache>"
     "<max_size unit='bytes'>1048576</max_size></metadata_cache></driver><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/tmp/a'><slices>"
     "<slice type='storage' offset='12345' size='4096'/></slices></source><target dev='vda' bus='virtio'/>"
     "</disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/tmp/a'><slices>"
     "<slice type='storage' offset='12345' size='4096'/></slices></source><target dev='vda' bus='virtio'/>"
     "</disk>"),
    ("",
     "<disk type='file' device='cdrom' ><driver name='qemu' type='raw'/>"
     "<source file='/tmp/a' startupPolicy='optional'/><target dev='sdc' bus='sata' tray='open'/></disk>"),
    ("",
     "<disk type='block' device='lun'><driver name='qemu' type='raw'/><source dev='/dev/zero'>"
     "<reservations managed='no'><source type='unix' path='/tmp/pr,h.sock' mode='client'/></reservations>"
     "</source><target dev='sda' bus='scsi'/></disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='raw' io='io_uring'/>"
     "<source file='/tmp/a'/><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/tmp/top'/>"
     "<backingStore type='network'><format type='qcow2'/><source protocol='nbd' name='b'><host name='h'/>"
     "</source><backingStore type='block'><format type='raw'/><source dev='/dev/zero'/><backingStore/>"
     "</backingStore></backingStore><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='disk' snapshot='no'><driver name='qemu' type='raw'/>"
     "<source file='/tmp/a' index='3'><privateData/></source><target dev='vda' bus='virtio'/><shareable/>"
     "</disk>"),
    ("",
     "<disk type='file' device='disk'><driver name='qemu' type='raw' detect_zeroes='on'/>"
     "<source file='/tmp/a'/><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='floppy'><driver name='qemu' type='raw' cache='none' discard='unmap'/>"
     "<source file='/tmp/f'/><target dev='fda'/><readonly/></disk>"),
    ("",
     "<disk type='network'><driver name='qemu' type='raw'/>"
     "<source protocol='nbd' name='x' tls='yes' tlsHostname='other,x'><host name='h'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='block'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/zero'><slices>"
     "<slice type='storage' offset='0' size='512'/></slices></source><target dev='vda' bus='virtio'/>"
     "</disk>"),
    ("",
     "<disk type='dir' device='cdrom'><driver name='qemu' type='fat'/><source dir='/tmp/x'/>"
     "<target dev='sda' bus='sata'/></disk><disk type='dir'><driver name='qemu' type='fat'/>"
     "<source dir='/tmp/x'/><target dev='vda' bus='virtio'/><readonly/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec_max>1</total_bytes_sec_max></iotune></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec_max_length>3</total_bytes_sec_max_length>"
     "<total_bytes_sec>5</total_bytes_sec></iotune></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec_max>10</total_bytes_sec_max>"
     "<total_bytes_sec>100</total_bytes_sec></iotune></disk>"),
    ("",
     "<disk type='nvme'><driver name='qemu' type='qcow2' cache='none'/>"
     "<source type='pci' managed='no' namespace='2'>"
     "<address domain='0x0001' bus='0x02' slot='0x00' function='0x0'/></source>"
     "<target dev='sda' bus='scsi'/></disk>"),
]  # fmt: skip
#: usage of the secrets that the following disks need -> uuid, kind, how a secret's document says it
SECRETS = {
    "libvirtiscsi": ("11111111-0000-4000-8000-000000000001", "iscsi", "target"),
    "ceph_example": ("11111111-0000-4000-8000-000000000002", "ceph", "name"),
    "/tmp/a": ("11111111-0000-4000-8000-000000000003", "volume", "volume"),
}
SECRET_DISKS = [
    ("",
     "<disk type='network'><driver name='qemu' type='raw'/><auth username='myuser'>"
     "<secret type='iscsi' usage='libvirtiscsi'/></auth>"
     "<source protocol='iscsi' name='iqn.2013-07.com.example:iscsi-nopool/2'>"
     "<host name='example.com' port='3260'/></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network'><driver name='qemu' type='raw'/><source protocol='rbd' name='pool/image'>"
     "<host name='mon1.example.org' port='6321'/><auth username='my,user'>"
     "<secret type='ceph' uuid='11111111-0000-4000-8000-000000000002'/></auth></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'><encryption format='luks'>"
     "<secret type='passphrase' uuid='11111111-0000-4000-8000-000000000003'/></encryption></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='qcow2' cache='none' discard='unmap'/>"
     "<source file='/tmp/a'><encryption format='luks'>"
     "<secret type='passphrase' uuid='11111111-0000-4000-8000-000000000003'/></encryption></source>"
     "<backingStore type='file'><format type='raw'/><source file='/tmp/base'><encryption format='luks'>"
     "<secret type='passphrase' usage='/tmp/a'/></encryption></source><backingStore/></backingStore>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network'><driver name='qemu' type='raw'/><source protocol='rbd' name='pool/image'>"
     "<encryption format='luks2' engine='librbd'>"
     "<secret type='passphrase' uuid='11111111-0000-4000-8000-000000000003'/></encryption></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network'><driver name='qemu' type='raw'/><auth username='u'>"
     "<secret type='iscsi' usage='libvirtiscsi'/></auth><source protocol='https' name='p'><host name='h'/>"
     "<ssl verify='yes'/><cookies><cookie name='c1'>v1</cookie><cookie name='c2'>v2</cookie></cookies>"
     "</source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='network'><driver name='qemu' type='raw'/><auth username='u'>"
     "<secret type='iscsi' usage='libvirtiscsi'/></auth><source protocol='ssh' name='/p'><host name='h'/>"
     "</source><target dev='vda' bus='virtio'/></disk>"),
]  # fmt: skip
MEMORY = [
    (_CELL,
     "<memory model='dimm' access='shared' discard='yes'><target><size unit='MiB'>128</size><node>0</node>"
     "</target></memory>"),
    (_CELL,
     "<memory model='dimm'><source><pagesize unit='KiB'>4</pagesize><nodemask>0</nodemask></source>"
     "<target><size unit='MiB'>128</size><node>0</node></target></memory>"),
    (_CELL,
     "<memory model='nvdimm' access='shared'><source><path>/tmp/nvdimm</path><alignsize unit='KiB'>2048"
     "</alignsize><pmem/></source><target><size unit='MiB'>128</size><node>0</node><readonly/></target>"
     "</memory>"),
    (_CELL,
     "<memory model='virtio-pmem' access='shared'><source><path>/tmp/virtio_pmem</path></source><target>"
     "<size unit='MiB'>128</size></target></memory>"),
    (_CELL,
     "<memory model='virtio-mem'><source><nodemask>0</nodemask><pagesize unit='KiB'>4</pagesize></source>"
     "<target><size unit='MiB'>256</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>"
     "128</requested></target></memory>"),
    (_CELL,
     "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target>"
     "<address type='dimm' slot='2' base='0x100000000'/></memory><memory model='dimm'><target>"
     "<size unit='MiB'>128</size><node>0</node></target></memory>"),
    (_CELL + "<memoryBacking><source type='memfd'/><access mode='shared'/><discard/>"
     "<allocation mode='immediate' threads='4'/></memoryBacking>",
     "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"),
    ("<memoryBacking><locked/><source type='anonymous'/><allocation mode='ondemand'/></memoryBacking>",
     ""),
    ("<memoryBacking><source type='file'/><access mode='shared'/><discard/></memoryBacking>",
     ""),
    ("<numatune><memory mode='strict' nodeset='0'/></numatune>",
     ""),
    ("<numatune><memory mode='interleave' nodeset='0'/></numatune>",
     ""),
    ("<numatune><memory mode='preferred' nodeset='0'/></numatune>",
     ""),
    (_CELL + "<numatune><memory mode='strict' nodeset='0'/><memnode cellid='0' mode='preferred' nodeset='0'/>"
     "</numatune>",
     "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"),
    ("<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB' memAccess='shared' discard='yes'><distances>"
     "<sibling id='0' value='10'/><sibling id='1' value='21'/></distances></cell>"
     "<cell id='1' cpus='1' memory='64' unit='MiB'/></numa></cpu>",
     ""),
    ("<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'>"
     "<cache level='1' associativity='direct' policy='writeback'><size value='10' unit='KiB'/>"
     "<line value='8' unit='B'/></cache></cell><cell id='1' cpus='1' memory='64' unit='MiB'/>"
     "<interconnects><latency initiator='0' target='0' type='access' value='5'/>"
     "<latency initiator='0' target='0' cache='1' type='access' value='10'/>"
     "<bandwidth initiator='0' target='0' type='access' value='204800' unit='KiB'/></interconnects></numa>"
     "</cpu>",
     ""),
    ("<cpu><numa><cell id='0' cpus='0-1' memory='64' unit='MiB'/><cell id='1' memory='64' unit='MiB'/>"
     "</numa></cpu>",
     ""),
    ("<vcpu cpuset='0'>2</vcpu>",
     ""),
    ("<iothreads>1</iothreads><cputune><vcpupin vcpu='0' cpuset='0'/><emulatorpin cpuset='1'/>"
     "<iothreadpin iothread='1' cpuset='0'/></cputune>",
     ""),
]  # fmt: skip
#: What libvirt refuses.
WRONG = [
    ("",
     "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='tftp' name='u'>"
     "<host name='hostname'/></source><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='dir' device='disk'><driver name='qemu' type='fat'/><source dir='/tmp'/>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/>"
     "<source type='unix' path='/tmp/vh.sock'><reconnect enabled='yes' timeout='10'/></source>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='block' device='lun' rawio='yes' sgio='unfiltered'><driver name='qemu' type='raw'/>"
     "<source dev='/dev/zero'/><target dev='sda' bus='scsi'/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/tmp/a'/>"
     "<encryption format='qcow'><secret type='passphrase' uuid='11111111-0000-4000-8000-000000000003'/>"
     "</encryption><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/><encryption format='qcow'>"
     "<secret type='passphrase' uuid='11111111-0000-4000-8000-000000000003'/></encryption>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file' device='cdrom'><driver name='qemu' type='raw' copy_on_read='on' cache='none'/>"
     "<source file='/tmp/a'/><target dev='sda' bus='sata'/></disk><disk type='file'>"
     "<driver name='qemu' type='qcow2' copy_on_read='on' discard='unmap' detect_zeroes='unmap' cache='writeback'>"
     "<metadata_cache><max_size unit='MiB'>2</max_size></metadata_cache></driver><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='vmdk'><metadata_cache><max_size unit='MiB'>2</max_size>"
     "</metadata_cache></driver><source file='/tmp/a'/><target dev='vda' bus='virtio'/></disk>"),
    ("",
     "<disk type='dir'><driver name='qemu' type='raw'/><source dir='/tmp/x'/>"
     "<target dev='vda' bus='virtio'/><readonly/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='fat'/><source file='/tmp/x'/>"
     "<target dev='vda' bus='virtio'/><readonly/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='iso'/><source file='/tmp/x'/>"
     "<target dev='vda' bus='virtio'/><readonly/></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1"
     "</read_bytes_sec></iotune></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><group_name>x</group_name></iotune></disk>"),
    ("",
     "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/a'/>"
     "<target dev='vda' bus='virtio'/><iotune><total_bytes_sec>10000000000000000000</total_bytes_sec>"
     "</iotune></disk>"),
    (_SHARED,
     "<disk type='vhostuser' model='virtio-transitional'>"
     "<driver name='qemu' type='raw' queues='4' iommu='on'/><source type='unix' path='/tmp/vh,.sock'/>"
     "<target dev='vda' bus='virtio'/><boot order='2'/><serial>x</serial></disk>"),
    (_SHARED,
     "<disk type='vhostuser' snapshot='no'><driver name='qemu' type='raw' cache='none'/>"
     "<source type='unix' path='/tmp/vh,.sock'/><target dev='vda' bus='virtio'/></disk>"),
    (_CELL,
     "<memory model='nvdimm'><uuid>9066901e-c90a-46ad-8b55-c18868cf92ae</uuid><source><path>/tmp/nv,dimm"
     "</path></source><target><size unit='MiB'>128</size><node>0</node><label><size unit='KiB'>128</size>"
     "</label></target></memory>"),
    (_CELL,
     "<memory model='virtio-mem'><target><size unit='MiB'>256</size><node>0</node><block unit='MiB'>2"
     "</block><requested unit='MiB'>128</requested></target><address type='dimm' slot='0'/></memory>"),
    (_CELL,
     "<memory model='sgx-epc'><target><size unit='MiB'>16</size><node>0</node></target></memory>"),
    (_CELL,
     "<memory model='dimm'><target><size unit='MiB'>128</size><node>7</node></target></memory>"),
]  # fmt: skip
