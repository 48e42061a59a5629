"""`define --validate`: what the model does not know is refused, with its name and line."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from tests.live.side import vsh_command
from vsh.backends import errors
from vsh.backends.errors import VirtError
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.domain import Domain

from .oracle import ask, documents, virsh_missing

#: kind -> (command, a document that is right, an element that it has already, changes that only the schema minds)
OTHERS: dict[str, tuple[str, str, str, list[tuple[str, str]]]] = {
    "network": (
        "net-define {} --validate",
        "<network connections='1'><name>n</name><forward mode='nat'><nat><port start='500' end='1000'/></nat></forward>"
        "<bridge name='b0'/><domain name='d'/><dns><txt name='a' value='b'/></dns><ip address='10.1.1.1' prefix='24'>"
        "<dhcp><range start='10.1.1.2' end='10.1.1.9'/></dhcp></ip></network>",
        "<name>n</name>",
        [("<domain name='d'/>", "<domain name='a b'/>"), ("<domain name='d'/>", "<mtu/>")],
    ),
    "pool": (
        "pool-define {} --validate",
        "<pool type='dir'><name>p</name><capacity>1</capacity><source/><target><path>/x</path></target></pool>",
        "<name>p</name>",
        [(">1<", "><"), (">1<", ">x<"), ("/x", "x")],
    ),
    "group": (
        "pool-define {} --validate",
        "<pool type='logical'><name>g</name><source><name>a</name><name>b</name><device path='/dev/x'>"
        "<freeExtent start='1' end='2'/></device><format type='lvm2'/></source><target><path>/dev/a</path></target>"
        "</pool>",
        "<name>g</name>",
        [(" type='lvm2'", "")],
    ),
    "snapshot": (
        "snapshot-create test {} --validate; snapshot-delete test s",
        "<domainsnapshot><name>s</name><description>d</description><state>shutoff</state><creationTime>1</creationTime>"
        "<parent><name>p</name></parent><memory snapshot='no'/><domain>"
        "<uuid>11111111-2222-3333-4444-555555555555</uuid></domain><active>0</active></domainsnapshot>",
        "<name>s</name>",
        [],
    ),
    "checkpoint": (
        "checkpoint-create test {}",
        "<domaincheckpoint><name>c</name><creationTime>1</creationTime><parent><name>p</name></parent></domaincheckpoint>",
        "<name>c</name>",
        [],
    ),
    "interface": (
        "iface-define {} --validate",
        "<interface type='bridge' name='br0'><start mode='onboot'/><mtu size='1500'/><protocol family='ipv4'><dhcp/>"
        "</protocol><bridge stp='off'><interface type='ethernet' name='eth1'><mac address='52:54:00:11:22:33'/>"
        "</interface></bridge></interface>",
        "<mtu size='1500'/>",
        [(" mode='onboot'", ""), ("eth1", "a b"), (":33", ":3x")],
    ),
}
HEAD = "<domain type='test'>\n<name>x</name><memory>1024</memory><os><type>hvm</type></os>"


@pytest.mark.parametrize(
    ("body", "unknown"),
    [
        ("\n<bogus/>", "unknown element 'bogus' in element 'domain' at line 3, column 1"),
        ("<os2><x/></os2>", "unknown element 'os2' in element 'domain' at line 2, column 61"),
        ("<vcpu current='1' x='y'>2</vcpu>", "unknown attribute 'x' in element 'vcpu' at line 2, column 79"),
        (
            "<devices>\n\n<disk foo='1'><source file='/a'/><target dev='vda'/></disk></devices>",
            "unknown attribute 'foo' in element 'disk' at line 4, column 7",
        ),
        (
            "<devices><disk><source file='/a'/><target dev='vda'/><serial2/></disk></devices>",
            "unknown element 'serial2' in element 'disk' at line 2, column 114",
        ),
        ("<x:y xmlns:x='urn:x'/>", "unknown element '{urn:x}y' in element 'domain' at line 2, column 61"),
        ("\n<name>y</name>", "another element 'name' in element 'domain' at line 3, column 1"),
        ("<features>é <acpi/>words\n</features>", "text in element 'features' at line 2, column 61"),
        ("\n<features>\n <acpi>x</acpi></features>", "text in element 'acpi' at line 4, column 2"),
        ("<vcpu x:y='1' xmlns:x='u'>1</vcpu>", "unknown attribute '{u}y' in element 'vcpu' at line 2, column 69"),
    ],
)
def test_unknown(body: str, unknown: str) -> None:
    text = f"{HEAD}{body}</domain>"
    with pytest.raises(VirtError) as caught:
        Domain.parse(text, TestConfig(), validate=True)
    assert caught.value.code == errors.XML_INVALID_SCHEMA
    assert str(caught.value) == f"XML document failed to validate against schema: {unknown}"
    Domain.parse(text, TestConfig())


@pytest.mark.parametrize(
    "body",
    [
        "<metadata><x:y xmlns:x='urn:x'><z a='b'/></x:y></metadata>",
        "<!-- comment --><?instruction?>",
        "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>1</test:runstate>",
    ],
)
def test_known(body: str) -> None:
    Domain.parse(f"{HEAD}{body}</domain>", TestConfig(), validate=True)


@pytest.mark.skipif(virsh_missing(), reason="virsh is not installed")
def test_what_virsh_accepts_is_not_refused(tmp_path: Path) -> None:
    """A part of the corpus; on its first snippet of devices libvirt's schema takes minutes."""
    texts = dict([pair for pair in documents().items() if pair[0] != "devices-0"][::4])
    lines = []
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        lines += [f"echo @{name}@", f"define --validate {tmp_path}/{name}"]
    said = subprocess.run(
        ["virsh", "-q", "-c", "test:///default", "; ".join(lines)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
    ).stdout  # fmt: skip
    wrong = []
    for name, text in texts.items():
        verdict = said.partition(f"@{name}@")[2].partition("@")[0]
        try:
            Domain.parse(text, TestConfig(), validate=True)
        except VirtError as error:
            if error.code == errors.XML_INVALID_SCHEMA and "schema" not in verdict:
                wrong.append((name, str(error)))
    assert wrong == []


#: What libvirt's parser takes and its schema does not.
DOUBTFUL = {
    "emulator": "<devices><emulator>bin/qemu</emulator></devices>",
    "empty": "<on_crash/>",
    "clock": "<clock/>",
    "rom": "<devices><controller/></devices>",
    "serial": "<devices><serial/></devices>",
    "lease": "<devices><lease><key>k</key><target path='/x'/></lease></devices>",
    "alias": "<devices><sound model='ac97'><alias/></sound></devices>",
    "alias name": "<devices><sound model='ac97'><alias name='a b'/></sound></devices>",
    "twice": "<features><acpi/><acpi/></features>",
    "metadata": "<metadata a='b'><x:y xmlns:x='urn:x'/></metadata>",
    "file": "<devices><disk><source file='image'/><target dev='vda'/></disk></devices>",
    "yes or no": "<devices><graphics type='vnc' autoport='y'/></devices>",
    "capability": "<features><capabilities><chown/></capabilities></features>",
    "mtu": "<devices><interface type='user'><mtu/></interface></devices>",
    "events": "<perf/>",
    "log": "<devices><serial type='pty'><log file='x'/></serial></devices>",
    "unit": "<memtune><hard_limit/></memtune>",
}
#: What both take, though it means nothing.
HARMLESS = {
    "tty": "<devices><serial type='pty' tty='/dev/pts/1'/></devices>",
    "target": "<devices><parallel type='pty'><target type='isa-serial' port='0'/></parallel></devices>",
    "genid": "<genid/>",
    "metadata twice": "<metadata><x:y xmlns:x='urn:x'/><x:y xmlns:x='urn:x'/></metadata>",
    "console": "<devices><console/></devices>",
    "running": "<devices><interface type='network'><source network='default' bridge='virbr0' macTableManager='libvirt'"
    " portid='6695eb01-f6a4-8304-79aa-97f2502e0001'/><target dev='vnet0'/><alias name='net0'/></interface></devices>",
    "vmware": "<devices><disk><source file='[store] x'/><target dev='vda'/></disk></devices>",
}


@pytest.mark.skipif(virsh_missing(), reason="virsh is not installed")
def test_what_only_the_schema_minds(tmp_path: Path) -> None:
    """Shapes of values, and what must stand there though the parser does without: as virsh has it."""
    texts = {name: f"{HEAD}{body}</domain>" for name, body in (DOUBTFUL | HARMLESS).items()}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        Domain.parse(text, TestConfig())
    answers = ask([f"define --validate '{tmp_path / name}'; undefine x" for name in texts])
    verdicts = {}
    for (name, text), answer in zip(texts.items(), answers, strict=True):
        try:
            Domain.parse(text, TestConfig(), validate=True)
            ours = True
        except VirtError as error:
            ours = error.code != errors.XML_INVALID_SCHEMA
        verdicts[name] = ("against schema" not in answer, ours)
    assert verdicts == {name: (name in HARMLESS,) * 2 for name in texts}


SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")


def _shortened() -> Iterator[str]:
    """Right documents of the corpus without one of their attributes or elements each.

    Not of disks: on those the schema takes seconds.
    """
    schema = etree.RelaxNG(etree.parse(SCHEMA))
    for text in documents().values():
        if "<disk" in text or len(text) > 2500:
            continue
        tree = etree.fromstring(text.encode())
        if not schema.validate(tree):
            continue
        for element in [found for found in tree.iter("*") if found.getparent() is not None]:
            parent, old = element.getparent(), dict(element.attrib)
            for name in old:
                del element.attrib[name]
                yield etree.tostring(tree).decode()
                element.attrib.update(old)
            place = parent.index(element)
            parent.remove(element)
            yield etree.tostring(tree).decode()
            parent.insert(place, element)


@pytest.mark.skipif(not SCHEMA.exists(), reason="libvirt's schemas are not installed")
def test_what_is_missing_as_the_schema_judges_it() -> None:
    """Nothing is refused that the schema takes; nearly all that it refuses is."""
    schema = etree.RelaxNG(etree.parse(SCHEMA))
    chosen = random.Random(3).sample(list(_shortened()), 800)
    stricter, milder, refused = [], [], 0
    for text in chosen:
        try:
            Domain.parse(text, TestConfig(), validate=True)
            code = 0
        except VirtError as error:
            code = error.code
        right = schema.validate(etree.fromstring(text))
        refused += not right
        if right and code == errors.XML_INVALID_SCHEMA:
            stricter.append(text)
        elif not right and not code:
            milder.append(text)
    assert stricter == []
    assert len(milder) < refused / 12, milder


@pytest.mark.skipif(virsh_missing(), reason="virsh is not installed")
def test_other_documents_as_virsh_judges_them(tmp_path: Path) -> None:
    """Each document as it is, then with an attribute, an element, words and a repeated element too many."""
    texts: dict[str, str] = {}
    commands = []
    for kind, (command, good, again, faulty) in OTHERS.items():
        root = good[1:].split(" ")[0].split(">")[0]
        close = good.rindex("</")
        spoiled = [good.replace(f"<{root}", f"<{root} bogus='1'", 1)]
        spoiled += [good[:close] + more + good[close:] for more in ("<bogus/>", "words", again)]
        spoiled += [good.replace(*change) for change in faulty]
        for number, text in enumerate([good, *spoiled]):
            path = tmp_path / f"{kind}-{number}"
            path.write_text(text)
            texts[path.name] = text
            commands.append(command.format(path))
    theirs, ours = ask(commands), ask(commands, vsh_command())
    for (name, text), virsh, vsh in zip(texts.items(), theirs, ours, strict=True):
        right = name.endswith("-0")
        assert ["error" in virsh, "error" in vsh] == [not right] * 2, (text, virsh, vsh)
        assert right or ("against schema" in virsh and "against schema" in vsh and "line 1, column " in vsh), vsh
