"""Virtual networks."""

import pytest

from tests.test_driver.conftest import Both
from vsh.backends.records import NetworkRef

UUID = "11111111-2222-3333-4444-555555555555"
REF = NetworkRef("net", bytes.fromhex(UUID.replace("-", "")))
XML = f"<network><name>net</name><uuid>{UUID}</uuid><ip address='10.1.0.1' prefix='16'/></network>"
#: Networks with something of everything; `net` and UUID are filled in.
FULL = """\
<forward mode='nat' dev='eth0'>
<nat ipv6='yes'><address start='1.2.3.4' end='1.2.3.10'/><port start='500' end='1000'/></nat>
</forward>
<bridge name='br7' stp='off' delay='3' macTableManager='libvirt' zone='z'/>
<mtu size='9000'/>
<mac address='52:54:00:11:22:33'/>
<domain name='example.com' localOnly='yes'/>
<dns forwardPlainNames='no'>
<forwarder addr='8.8.8.8'/><forwarder domain='x.y' addr='8.8.4.4'/>
<txt name='a' value='b c'/>
<host ip='192.168.122.2'><hostname>h</hostname><hostname>g</hostname></host>
<srv service='s' protocol='tcp' domain='d' target='.' port='1024' priority='10' weight='5'/>
</dns>
<bandwidth><inbound average='1000' peak='5000' burst='5120'/><outbound average='128'/></bandwidth>
<port isolated='yes'/>
<ip address='10.0.0.1' netmask='255.0.0.0' localPtr='yes'>
<tftp root='/t'/>
<dhcp>
<range start='10.0.0.100' end='10.0.0.200'><lease expiry='24' unit='hours'/></range>
<host mac='00:16:3E:77:e2:ed' name='foo' ip='10.0.0.5'><lease expiry='0'/></host>
<bootp file='f' server='10.0.0.9'/>
</dhcp>
</ip>
<ip family='ipv6' address='2001:DB8:0:0::1' prefix='64'>
<dhcp><host id='0:1' name='paul' ip='2001:db8::5'/></dhcp>
</ip>
<route address='10.200.0.0' prefix='16' gateway='10.0.0.7' metric='3'/>
<portgroup name='pg' default='yes' trustGuestRxFilters='yes'>
<vlan><tag id='42'/></vlan>
<virtualport type='openvswitch'>
<parameters interfaceid='11111111-2222-3333-4444-555555555556' profileid='p'/>
</virtualport>
<bandwidth><inbound average='1'/></bandwidth>
</portgroup>
"""
PARTS = [
    FULL,
    "",
    "<forward/><ip address='10.0.0.1'/>",
    "<forward/>",
    "<forward mode='nonsense'/>",
    "<forward mode='route' dev='eth1'/><ip address='192.168.7.1' prefix='24'/>",
    "<forward mode='open'/><ip family='ipv6' address='fd00::1' prefix='64'/>",
    "<forward mode='open' dev='eth0'/><ip address='10.0.0.1'/>",
    "<forward mode='bridge'/><bridge name='br0'/>",
    "<forward mode='bridge'><interface dev='eth0'/><interface dev='eth1'/></forward>",
    "<forward mode='bridge'><interface dev='eth0'/><interface dev='eth0'/></forward>",
    "<forward mode='bridge' dev='eth0'/><bridge name='br0'/>",
    "<forward mode='private'/><bridge name='br0'/>",
    "<forward mode='hostdev' managed='yes'><driver name='vfio'/><pf dev='eth3'/></forward>",
    "<forward mode='hostdev'><address type='pci' domain='0' bus='3' slot='1' function='2'/></forward>",
    "<forward mode='bridge'/><bridge name='br0' delay='0' stp='on'/>",
    "<forward mode='bridge'/><bridge name='br0'/><mtu size='100'/>",
    "<ip address='10.0.0.1' prefix='33'/>",
    "<ip address='10.0.0.1' prefix='8' netmask='255.0.0.0'/>",
    "<ip address='fd00::1'/>",
    "<ip address='nonsense'/>",
    "<ip/>",
    "<ip family='ipv5' address='10.0.0.1'/>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.1.1' end='10.0.1.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.0' end='10.0.0.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.1' end='10.0.0.255'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.9' end='10.0.0.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.9'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><host ip='10.0.0.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><host name='-x' ip='10.0.0.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='24'><dhcp><host name='x'/></dhcp></ip>",
    "<dns enable='no'/>",
    "<dns enable='no'><txt name='a' value='b'/></dns>",
    "<dns><txt name='a b' value='b'/></dns>",
    "<dns><txt name='a'/></dns>",
    "<dns><host ip='10.0.0.1'/></dns>",
    "<dns><srv service='a' protocol='tcp' port='4'/></dns>",
    "<dns><forwarder/></dns>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.200.0.1' prefix='16' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='24'/><route address='10.200.0.0' prefix='16' gateway='10.0.1.7'/>",
    "<mac address='53:54:00:11:22:33'/>",
    "<mac address='x'/>",
    "<mtu size='x'/>",
    "<bridge name='b' delay='x'/>",
    "<bridge name='b' macTableManager='x'/>",
    "<vlan trunk='yes'><tag id='5' nativeMode='untagged'/><tag id='6'/></vlan>",
    "<metadata><a:b xmlns:a='http://x'>c</a:b></metadata>",
]


def look(both: Both, net: NetworkRef) -> None:
    """Everything that can be asked about a network."""
    for call in (
        "network_get_xml_desc",
        "network_get_bridge_name",
        "network_get_autostart",
        "network_is_active",
        "network_is_persistent",
    ):
        getattr(both, call)(net)
    both.network_get_xml_desc(net, 1)
    both.network_lookup_by_name(net.name)
    both.network_lookup_by_uuid(net.uuid)
    for call in ("list", "num_of"):
        for kind in ("networks", "defined_networks"):
            both.scrub[f"connect_{call}_{kind}"] = lambda value: sorted(value) if isinstance(value, list) else value
            getattr(both, f"connect_{call}_{kind}")()


@pytest.mark.parametrize("part", PARTS)
def test_definitions(both: Both, part: str) -> None:
    xml = f"<network><name>net</name><uuid>{UUID}</uuid>{part}</network>"
    both.network_define_xml(xml)
    look(both, REF)
    both.network_create_xml(xml)
    look(both, REF)


@pytest.mark.parametrize("old", ["<name>net</name>", f"<uuid>{UUID}", "<network>", "</network>", "net</name>"])
def test_definitions_that_are_broken(both: Both, old: str) -> None:
    both.network_define_xml(XML.replace(old, old[:-2] + "/>"))
    both.network_define_xml(XML.replace(old, old.replace("net", "n/t").replace("1", "x")))
    both.network_define_xml(XML.replace("<name>net</name>", ""))


def test_lifecycle(both: Both) -> None:
    both.scrub["connect_list_all_networks"] = sorted
    look(both, both.network_lookup_by_name("default"))
    look(both, REF)
    both.network_define_xml(XML)
    for step in ("create", "create", "undefine", "destroy", "destroy", "undefine", "undefine"):
        getattr(both, f"network_{step}")(REF)
        look(both, REF)
        for bit in range(7):
            both.connect_list_all_networks(1 << bit)
    both.network_create_xml(XML)
    both.network_create_xml(XML)
    both.network_set_autostart(REF, 1)
    both.connect_list_all_networks(16)
    look(both, REF)
    both.network_define_xml(XML.replace("10.1", "10.2"))
    look(both, REF)
    both.network_define_xml(XML.replace("10.1", "10.3"))
    look(both, REF)
    both.network_destroy(REF)
    look(both, REF)
    both.network_create(REF)
    look(both, REF)
    both.network_define_xml(XML.replace("net<", "other<"))
    both.network_define_xml(XML.replace(UUID, UUID.replace("1", "2")))
    both.network_define_xml_flags(XML, 4)
    both.network_create_xml_flags(XML, 4)
