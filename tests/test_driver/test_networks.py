"""Virtual networks."""

from contextlib import suppress

import pytest

from tests.test_driver.conftest import Both
from vsh.backends.errors import VirtError
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
    "<ip address='' netmask='' family=''/>",
    "<forward mode='' dev=''/><bridge name='' delay=''/><mac address=''/>",
    "<ip address='10.1' netmask='255.0.0.7'/>",
    "<ip address='10.1' netmask='255.0.0.7'><dhcp><range start='10.2' end='10.3'/></dhcp></ip>",
    "<forward><nat><address start='1.2.3.4' end='1.3.3.10'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='bridge'/><bridge name='b'/><virtualport type='openvswitch'/>",
    "<forward mode='bridge'/><bridge name='b'/><virtualport type='802.1Qbg'><parameters managerid='1'/></virtualport>",
    "<forward mode='bridge'/><bridge name='b'/><virtualport/>",
    "<forward mode='bridge'/><bridge name='b'/><portgroup name=''/>",
    "<portgroup name='p'><virtualport/><bandwidth><inbound average='1' floor='2'/></bandwidth></portgroup>",
    "<dns><srv service='s' protocol='tcp' target='.' port='' weight='' priority=''/></dns>",
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
    "<dns><host ip='10.0.0.1'><hostname/></host></dns>",
    "<dns><host ip='10.0.0.1'><hostname/><hostname>x</hostname></host></dns>",
    "<dns><host><hostname>x</hostname></host></dns>",
    "<dns><host ip='x'><hostname>x</hostname></host></dns>",
    "<dns><srv service='a.b' protocol='tcp'/></dns>",
    "<dns><srv service='a' protocol='_tcp'/></dns>",
    "<dns><srv service='a' protocol='tcp' target='t' port='x'/></dns>",
    "<dns><srv service='a' protocol='tcp' target='t' port='0'/></dns>",
    "<dns><srv service='a' protocol='tcp' target='t' priority='70000'/></dns>",
    f"<dns><srv service='{'a' * 256}' protocol='tcp'/></dns>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><host mac='x' ip='10.0.0.9'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><host mac='01:00:00:00:00:00' ip='10.0.0.9'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><bootp/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><bootp file='f' server='x'/></dhcp></ip>",
    "<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><bootp file='f'/></dhcp></ip>",
    "<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host mac='x' name='n' ip='fd00::2'/></dhcp></ip>",
    "<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host id='x' ip='fd00::2'/></dhcp></ip>",
    "<forward mode='nat'><nat/><nat/></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><address start='1.2.3.4'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><address start='1.2.3.4' end='x'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><address start='::1' end='::2'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><port start='9' end='2'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><port end='2'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><port start='9' end='x'/></nat></forward><ip address='10.0.0.1'/>",
    "<forward mode='nat'><nat><port start='9' end='10'/><port start='9' end='10'/></nat></forward>",
    "<forward mode='nat'><nat><address start='1.2.3.4' end='1.2.3.5'/><address/></nat></forward>",
    "<forward mode='route'><nat/></forward><ip address='10.0.0.1'/>",
    "<forward mode='hostdev'><pf/></forward>",
    "<forward mode='hostdev'><pf dev='a'/><pf dev='b'/></forward>",
    "<forward mode='hostdev' dev='x'><pf dev='a'/></forward>",
    "<forward mode='hostdev'><address/></forward>",
    "<forward mode='hostdev'><address type='x'/></forward>",
    "<forward mode='hostdev'><address type='drive'/></forward>",
    "<forward mode='hostdev'><address type='pci' bus='1'/><address type='pci' bus='1'/></forward>",
    "<forward mode='hostdev'><address type='pci' slot='99'/></forward>",
    "<forward mode='hostdev'><driver name='x'/><pf dev='a'/></forward>",
    "<forward mode='hostdev'><interface dev='x'/></forward>",
    "<forward mode='bridge'><interface/></forward>",
    "<forward mode='bridge' dev='y'><interface dev='x'/></forward>",
    "<forward mode='route'><interface dev='x'/><interface dev='y'/></forward><ip address='10.0.0.1'/>",
    "<forward mode='route'/>",
    "<forward mode='passthrough' dev='x'/><bridge zone='z'/>",
    "<forward mode='vepa' dev='x'/><bridge macTableManager='kernel'/>",
    "<forward mode='vepa' dev='x' managed='x'/>",
    "<forward mode='private' dev='x' managed='yes'/>",
    "<route address='10.0.0.0' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0'/>",
    "<ip address='10.0.0.1' prefix='8'/><route gateway='10.2.0.0'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='x' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' gateway='x'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' netmask='x' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' netmask='255.255.0.0' prefix='8' "
    "gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' netmask='255.0.255.0' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' prefix='x' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' prefix='99' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' prefix='16' metric='0' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' prefix='16' metric='x' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route family='ipv6' address='10.2.0.0' prefix='16' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route family='ipv4' address='fd00::' prefix='16' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route family='x' address='10.2.0.0' prefix='16' gateway='10.0.0.7'/>",
    "<ip address='10.0.0.1' prefix='8'/><route address='10.2.0.0' prefix='16' gateway='fd00::1'/>",
    "<ip family='ipv6' address='fd00::1' prefix='64'/>"
    "<route family='ipv6' address='fd01::' prefix='64' gateway='fd00::7'/>",
    "<ip family='ipv6' address='fd00::1' prefix='64'/><route address='fd01::' prefix='64' gateway='fd00::7'/>",
    "<ip family='ipv6' address='fd00::1' prefix='64'/>"
    "<route family='ipv6' address='fd01::' netmask='ffff::' gateway='fd00::7'/>",
    "<bandwidth><inbound peak='1'/></bandwidth>",
    "<bandwidth><inbound average='1' floor='2'/></bandwidth>",
    "<bandwidth><outbound average='1' floor='2'/></bandwidth>",
    "<bandwidth><inbound average='x'/></bandwidth>",
    "<bandwidth><inbound average='1'/><inbound average='1'/></bandwidth>",
    "<bandwidth classID='4'><inbound average='1'/></bandwidth>",
    "<virtualport type='x'/>",
    "<virtualport/>",
    "<virtualport type='802.1Qbh'><parameters profileid='p'/></virtualport>",
    "<virtualport type='802.1Qbg'><parameters managerid='11' typeid='1193047' typeidversion='2' "
    "instanceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'/></virtualport>",
    "<forward mode='bridge'/><bridge name='ovs'/><virtualport type='openvswitch'>"
    "<parameters profileid='p' interfaceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'/></virtualport>",
    "<vlan/>",
    "<vlan><tag/></vlan>",
    "<vlan><tag id='4096'/></vlan>",
    "<vlan trunk='no'><tag id='5'/><tag id='6'/></vlan>",
    "<vlan trunk='x'><tag id='5'/></vlan>",
    "<portgroup/>",
    "<portgroup name='p' default='x'/>",
    "<portgroup name='p' default='no' trustGuestRxFilters='no'/>",
    "<portgroup name='p' default='yes'/><portgroup name='q' default='yes'/>",
    "<domain/>",
    "<domain name='x' localOnly='x'/>",
    "<domain localOnly='yes'/>",
    "<domain name='x' localOnly='no'/>",
    "<port isolated='x'/>",
    "<port isolated='no'/>",
    "<port/>",
    "<dns forwardPlainNames='x'/>",
    "<dns/>",
    "<dns enable='yes'/>",
    "<dns forwardPlainNames='yes'><forwarder domain='d'/></dns>",
    "<dns><forwarder addr='x'/></dns>",
    "<bridge stp='x'/>",
    "<bridge/>",
    "<bridge name='b' stp='off'/>",
    "<mtu/>",
    "<mtu size='0'/>",
    "<ip address='10.0.0.1' netmask='x'/>",
    "<ip address='10.0.0.1' netmask='ffff::'/>",
    "<ip family='ipv6' address='10.0.0.1'/>",
    "<ip family='ipv6' address='fd00::1' netmask='255.0.0.0'/>",
    "<ip family='ipv6' address='fd00::1' prefix='129'/>",
    "<ip family='ipv6' address='fd00::1'><tftp root='/x'/></ip>",
    "<ip address='10.0.0.1' prefix='x'/>",
    "<ip address='10.0.0.1' localPtr='x'/>",
    "<ip address='10.0.0.1' localPtr='no'/>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.9.0.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><range start='x' end='10.0.0.2'/></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.0.0.3'>"
    "<lease expiry='1'/></range></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.0.0.3'>"
    "<lease expiry='60' unit='seconds'/></range></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.0.0.3'>"
    "<lease expiry='60' unit='x'/></range></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.0.0.3'><lease/></range></dhcp></ip>",
    "<ip address='10.0.0.1' prefix='8'><dhcp/></ip>",
    "<ip address='10.0.0.1' prefix='8'><tftp/></ip>",
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


def test_definitions(both: Both) -> None:
    """Every part, alone in a network: all that differs is shown at once."""
    wrong = []
    for part in PARTS:
        xml = f"<network><name>net</name><uuid>{UUID}</uuid>{part}</network>"
        try:
            both.network_define_xml(xml)
            look(both, REF)
            both.network_create_xml(xml)
            look(both, REF)
        except AssertionError as error:
            wrong.append((part, str(error)))
        for conn in (both.ours, both.theirs):
            for call in (conn.network_destroy, conn.network_undefine):
                with suppress(VirtError):
                    call(REF)
    assert not wrong


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


UPDATED = f"""\
<network><name>net</name><uuid>{UUID}</uuid>
<forward mode='route' dev='eth0'/>
<dns><txt name='a' value='b'/><host ip='10.0.0.5'><hostname>h</hostname></host>
<host ip='10.0.0.6'><hostname>h</hostname><hostname>g</hostname></host>
<srv service='s' protocol='tcp' domain='d' target='t' port='1'/>
<srv service='s' protocol='udp'/></dns>
<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.100' end='10.0.0.200'/>
<host mac='00:16:3e:77:e2:ed' name='foo' ip='10.0.0.5'/></dhcp></ip>
<ip address='10.0.1.1' prefix='24'/>
<ip family='ipv6' address='fd00::1' prefix='64'/>
<portgroup name='p' default='yes'/>
</network>"""
#: section -> elements to add, modify and delete, one after the other
ELEMENTS = {
    0: ["<x/>"],
    1: ["<bridge/>"], 2: ["<domain/>"], 3: ["<ip/>"], 6: ["<forward/>"], 8: ["<pf/>"], 13: ["<x/>"],
    4: ["<host mac='00:16:3E:77:E2:ED'/>", "<host name='foo' ip='10.0.0.9'/>", "<host name='bar' ip='10.0.0.10'/>",
        "<host/>", "<host ip='10.0.0.5'/>", "<host ip='x' name='y'/>", "<host mac='x' ip='10.0.0.9'/>",
        "<host mac='01:00:00:00:00:00' ip='10.0.0.9'/>", "<host name='bar' ip='fd00::9'/>", "<range/>"],
    5: ["<range start='10.0.0.100' end='10.0.0.200'/>", "<range start='10.0.0.20' end='10.0.0.30'/>", "<range/>",
        "<range start='10.0.1.100' end='10.0.1.200'/>", "<range start='fd00::1' end='fd00::2'/>", "<host/>"],
    7: ["<interface dev='eth0'/>", "<interface dev='eth1'/>", "<interface/>", "<dev/>"],
    9: ["<portgroup name='p'/>", "<portgroup name='q' default='yes'/>", "<portgroup name='q'/>", "<portgroup/>",
        "<portgroup name='p'><bandwidth><inbound average='1'/></bandwidth></portgroup>", "<x/>"],
    10: ["<host ip='10.0.0.5'/>", "<host ip='10.0.0.5'><hostname>x</hostname></host>",
         "<host ip='10.0.0.7'><hostname>h</hostname></host>", "<host><hostname>h</hostname></host>",
         "<host><hostname>g</hostname></host>", "<host><hostname/></host>", "<host/>", "<host ip='x'/>", "<x/>"],
    11: ["<txt name='a' value='c'/>", "<txt name='a'/>", "<txt name='b' value='c'/>", "<txt value='c'/>",
         "<txt name='a b'/>", "<txt/>", "<x/>"],
    12: ["<srv service='s' protocol='tcp'/>", "<srv service='s'/>", "<srv protocol='udp'/>", "<srv/>",
         "<srv service='z' protocol='tcp'/>", "<srv service='z.z' protocol='tcp'/>",
         "<srv service='z' protocol='_' />", "<srv service='z' protocol='tcp' port='1'/>", "<x/>"],
}  # fmt: skip


@pytest.mark.parametrize("section", ELEMENTS)
def test_updates(both: Both, section: int) -> None:
    """Every command on every section, each on a fresh network."""
    for command in (1, 2, 3, 4, 5, 0):
        for element in ELEMENTS[section]:
            for parent in (-1, 1) if section in (4, 5) else (-1,):
                both.network_define_xml(UPDATED)
                both.network_update(REF, command, section, parent, element, 0)
                both.network_get_xml_desc(REF, 0)
    both.network_update(REF, 3, section, 7, ELEMENTS[section][0], 2)
    both.network_update(REF, 3, section, -1, "<x", 0)


def test_updates_of_both_definitions(both: Both) -> None:
    element, deleted = "<portgroup name='q'/>", "<portgroup name='p'/>"
    both.network_create_xml(UPDATED)
    both.network_update(REF, 3, 9, -1, element, 2)
    both.network_define_xml(UPDATED)
    for flags in (2, 1, 3, 0, 4):
        for command, text in ((3, element), (2, deleted), (2, element)):
            both.network_update(REF, command, 9, -1, text, flags)
            both.network_get_xml_desc(REF, 0)
    both.network_destroy(REF)
    both.network_update(REF, 3, 9, -1, element, 1)
    both.network_update(REF, 3, 9, -1, element, 2)
    both.network_get_xml_desc(REF, 0)
