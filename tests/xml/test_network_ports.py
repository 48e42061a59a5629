"""Ports of networks against those of a real libvirtd's network."""

from tests.live.libvirtd import Libvirtd
from vsh.backends import api
from vsh.backends.constants.network import NETWORK_PORT_CREATE_RECLAIM
from vsh.backends.errors import VirtError
from vsh.backends.xml.resources.network_port import NetworkPort

UUID = "a9d0a1c6-3f0b-4d39-8f4c-a5a4f2c3d501"
NETWORK = (
    "<network><name>vsh-ports</name><forward mode='open'/><bridge name='vshbr5' stp='off'/>"
    "<ip address='10.81.0.1' prefix='24'/></network>"
)
OWNER = f"<owner><name>guest &amp; co</name><uuid>{UUID}</uuid></owner>"
MAC = "<mac address='52:54:00:7B:35:93'/>"
START = f"<uuid>{UUID}</uuid>{OWNER}{MAC}"
PLUG = "<plug type='network' bridge='vshbr5'/>"
PORTS = [
    START + PLUG,
    START + "<plug type='bridge' bridge='vshbr5' macTableManager='libvirt'/>",
    START + "<plug type='network' bridge='vshbr5' macTableManager='x'/>",
    START + "<plug type='network'/>",
    START + "<plug type='x'/>",
    START + "<plug type='direct'/>",
    START + "<plug type='direct' dev='d' mode='x'/>",
    START + "<plug type='hostdev-pci'/>",
    START + "<plug type='hostdev-pci' managed='x'/>",
    START + "<plug type='hostdev-pci'><driver name='x'/></plug>",
    START + "<plug type='hostdev-pci'><address slot='0x99'/></plug>",
    START + "<group>g</group>" + PLUG,
    START + "<bandwidth><inbound average='1000' peak='2000' burst='5120'/><outbound average='128'/></bandwidth>" + PLUG,
    START + "<vlan><tag id='5'/></vlan>" + PLUG,
    START + "<vlan/>" + PLUG,
    START + "<port isolated='yes'/><rxfilters trustGuest='yes'/>" + PLUG,
    START + "<port isolated='x'/>" + PLUG,
    START + "<rxfilters trustGuest='x'/>" + PLUG,
    START + "<virtualport type='x'/>" + PLUG,
    START + f"<virtualport type='openvswitch'><parameters interfaceid='{UUID}'/></virtualport>" + PLUG,
    OWNER + MAC,
    f"<uuid>x</uuid>{OWNER}{MAC}",
    f"<uuid>{UUID}</uuid>{MAC}",
    f"<uuid>{UUID}</uuid><owner><name>n</name></owner>{MAC}",
    f"<uuid>{UUID}</uuid><owner><name>n</name><uuid>x</uuid></owner>{MAC}",
    f"<uuid>{UUID}</uuid>{OWNER}",
    f"<uuid>{UUID}</uuid>{OWNER}<mac address='x'/>",
    f"<uuid>{UUID}</uuid>{OWNER}<mac address='01:00:00:00:00:00'/>" + PLUG,
]


def test_ports(libvirtd_net: Libvirtd) -> None:
    conn = api.open(libvirtd_net.uri("qemu"))
    net = conn.network_create_xml(NETWORK)
    wrong = []
    try:
        for part in PORTS:
            text = f"<networkport>{part}</networkport>"
            try:
                port = conn.network_port_create_xml(net, text, NETWORK_PORT_CREATE_RECLAIM)
                wanted = conn.network_port_get_xml_desc(port, 0)
                conn.network_port_delete(port, 0)
            except VirtError as error:
                wanted = str(error)
            try:
                seen = NetworkPort.parse(text).format()
            except VirtError as error:
                seen = str(error)
            if seen != wanted:
                wrong.append((part, wanted, seen))
    finally:
        conn.network_destroy(net)
        conn.close()
    assert not wrong
