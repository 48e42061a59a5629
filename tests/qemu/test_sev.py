"""Guests whose memory the host cannot read: refused as libvirtd does it here, and asked of QEMU where there is SEV."""

import shlex

import pytest

from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.qemu.documents import domain
from vsh.backends import api
from vsh.backends.errors import VirtError
from vsh.backends.qemu.host import sev

FULL = (
    "<launchSecurity type='sev' kernelHashes='yes'><policy>0x0003</policy><dhCert>AQ==</dhCert>"
    "<session>Ag==</session></launchSecurity>"
)
TOLD = (
    "<launchSecurity type='sev'><policy>1</policy><cbitpos>47</cbitpos><reducedPhysBits>2</reducedPhysBits>"
    "</launchSecurity>"
)


@pytest.mark.parametrize("beside", [FULL, "<launchSecurity type='s390-pv'/>"], ids=["sev", "s390-pv"])
def test_where_there_is_none(libvirtd: Libvirtd, side: Side, conn: api.Connection, beside: str) -> None:
    text = domain("hidden", 1, "q35", "", beside)
    path = libvirtd.directory / "hidden.xml"
    path.write_text(text)
    path.chmod(0o644)
    run = side.virsh("-q", "-c", libvirtd.uri("qemu"), "define", str(path))
    with pytest.raises(VirtError) as caught:
        conn.domain_define_xml_flags(text, 0)
    assert run.stderr.splitlines()[-1] == f"error: {caught.value}"
    assert conn.connect_list_all_domains(0) == []


def test_what_qemu_is_asked_for(conn: api.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor's answer is all that is not real here."""
    monkeypatch.setattr(sev, "ask", lambda *_: [{"cbitpos": 51, "reduced-phys-bits": 1}])
    monkeypatch.setattr(sev, "of", lambda *_: type("Caps", (), {"has": lambda self, kind: kind == "sev-guest"})())

    def option(beside: str) -> tuple[str, str]:
        words = shlex.split(conn.connect_domain_xml_to_native("qemu-argv", domain("hidden", 1, "q35", "", beside), 0))
        (found,) = [word for word in words if '"lsec0"' in word]
        return words[words.index("-machine") + 1], found

    machine, full = option(FULL)
    assert ",confidential-guest-support=lsec0" in machine
    folder = full.partition('"dh-cert-file":"')[2].partition("/dh_cert.base64")[0]
    assert full == (
        '{"qom-type":"sev-guest","id":"lsec0","cbitpos":51,"reduced-phys-bits":1,"policy":3,'
        f'"dh-cert-file":"{folder}/dh_cert.base64","session-file":"{folder}/session.base64","kernel-hashes":true}}'
    )
    assert '"cbitpos":47,"reduced-phys-bits":2,"policy":1}' in option(TOLD)[1]
    ref = conn.domain_define_xml_flags(domain("hidden", 1, "q35", "", FULL), 0)
    assert "cbitpos" not in conn.domain_get_xml_desc(ref, 0)
