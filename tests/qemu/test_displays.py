"""Displays with certificates and passwords, as qemu.conf asks for them."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.live.certificates import Authority
from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side
from tests.qemu.documents import domain
from tests.qemu.test_native import differences
from vsh.backends import api

CONF = """
vnc_tls = 1
vnc_tls_x509_cert_dir = "FOLDER/v,n"
vnc_tls_x509_verify = 1
vnc_password = "all"
spice_tls = 1
spice_tls_x509_cert_dir = "FOLDER/s"
"""
DISPLAYS = (
    "<graphics type='vnc' port='5901'/>",
    "<graphics type='vnc' port='5901' websocket='5999' passwd='own' sharePolicy='force-shared'/>",
    "<graphics type='spice' port='5901' tlsPort='5902' passwd='own'/>",
    "<graphics type='spice' tlsPort='5902' defaultMode='secure'/>",
    "<graphics type='spice' port='5901' tlsPort='5902' defaultMode='secure'><channel name='main' mode='insecure'/>"
    "<channel name='display' mode='secure'/><channel name='inputs' mode='any'/></graphics>",
    "<graphics type='spice' port='5901' defaultMode='secure'/>",
    "<graphics type='spice' port='5901'><channel name='main' mode='secure'/></graphics>",
)


def test_command_lines_are_libvirts(side: Side, connect: Callable[..., api.Connection], root: Path) -> None:
    for name in ("v,n", "s", "e/etc"):
        (root / name).mkdir(parents=True)
    settings = CONF.replace("FOLDER", str(root))
    (root / "e/etc/qemu.conf").write_text(settings)
    texts = {f"d{n}": domain(f"d{n}", n, "pc", display, "") for n, display in enumerate(DISPLAYS)}
    with Libvirtd(qemu_settings=settings) as daemon:
        wrong, compared = differences(daemon, side, connect(), root, texts)
    assert not wrong
    assert compared == len(DISPLAYS) - 2


def test_a_display_with_certificates(connect: Callable[..., api.Connection], guests: Guests, root: Path) -> None:
    Authority().write(root / "certs").chmod(0o755)
    (root / "e/etc").mkdir(parents=True)
    settings = f'vnc_tls = 1\nvnc_tls_x509_cert_dir = "{root}/certs"\nvnc_password = "hush-41"\n'
    (root / "e/etc/qemu.conf").write_text(settings)
    conn = connect()
    text = guests.boot_sector("shown").replace("</devices>", "<graphics type='vnc'/></devices>")
    ref = conn.domain_create_xml(text, 0)
    told = json.loads(conn.qemu_domain_monitor_command(ref, '{"execute": "query-vnc"}', 0))["return"]
    assert told["auth"] == "vencrypt+x509+vnc"
    processes = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert b"hush-41" not in b"".join(processes)
