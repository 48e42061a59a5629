"""URIs, folders, and the paths that keep embedded drivers apart."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from vsh.backends import api, registry
from vsh.backends.errors import CONFIG_UNSUPPORTED, INVALID_ARG, XML_ERROR, VirtError
from vsh.backends.hosts.local import LocalHost
from vsh.backends.qemu.places import Places, file_name, inside, short
from vsh.backends.uri import Uri


def places(root: str) -> Places:
    return Places.of(Uri(f"qemu:///embed?root={root}"), LocalHost())


NO_ROOTS = ("", "?root=", "?root=x", "?root=/a/", "?root=/", "?root=/a/../b", "?root=..", "?mode=direct")


@pytest.mark.parametrize("query", NO_ROOTS)
def test_roots_that_are_none(query: str) -> None:
    with pytest.raises(VirtError) as caught:
        Places.of(Uri(f"qemu:///embed{query}"), LocalHost())
    assert caught.value.code == INVALID_ARG


def test_a_root_that_cannot_be_made(connect: Callable[..., api.Connection], root: Path) -> None:
    (root / "own").symlink_to(root / "none/x")
    with pytest.raises(VirtError, match=f"cannot use '{root}/own/lib/qemu': No such file or directory"):
        connect(to=f"qemu:///embed?root={root}/own")


def test_layout() -> None:
    found = places("/r/x")
    assert found.folders() == (
        "/r/x/etc/qemu",
        "/r/x/etc/qemu/autostart",
        "/r/x/run/qemu",
        "/r/x/lib/qemu",
        "/r/x/log/qemu",
        "/r/x/cache/qemu",
    )
    assert found.definition("web") == "/r/x/etc/qemu/web.xml"
    assert found.conf == "/r/x/etc/qemu.conf"


def test_short_names_count_characters() -> None:
    assert short(7, "é" * 30) == "7-" + "é" * 20
    assert short(12, "web") == "12-web"


def test_sockets_must_fit() -> None:
    with pytest.raises(VirtError) as caught:
        places("/" + "x" * 60)
    assert "longer than 107 bytes" in str(caught.value)
    assert "at most" in caught.value.hint
    limit = int(caught.value.hint.split("at most ")[1].split()[0])
    places("/" + "x" * (limit - 1))
    with pytest.raises(VirtError):
        places("/" + "x" * limit)


def test_memory_paths() -> None:
    root = "/r/x"
    digest = "20050c57"  # of SHA-256 over the root as the URI gives it
    found = places(root)
    assert found.memory(3, "web", None) == "/r/x/lib/qemu/ram/3-web"
    assert found.memory(3, "web", "/r/x/ram") == "/r/x/ram/libvirt/qemu/3-web"
    assert found.memory(3, "web", "/dev/shm") == f"/dev/shm/libvirt/qemu/qemu-embed-{digest}-3-web"
    # Inside is decided by whole components.
    assert found.memory(3, "web", "/r/xy") == f"/r/xy/libvirt/qemu/qemu-embed-{digest}-3-web"
    assert found.hugepages(3, "web", "/dev/hugepages") == f"/dev/hugepages/libvirt/qemu-embed-{digest}/3-web"
    assert found.hugepages(3, "web", "/r/x/huge") == "/r/x/huge/libvirt/qemu/3-web"
    assert found.machine(3, "web") == f"qemu-embed-{digest}-3-web"
    assert inside("/a/b", "/a") and inside("/a", "/a") and not inside("/ab", "/a")


NUMA = """\
<domain type='qemu'><name>{name}</name><maxMemory slots='2' unit='MiB'>1024</maxMemory><memory unit='MiB'>256</memory>
{backing}<vcpu>2</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>
<cpu><numa><cell id='0' cpus='0-1' memory='128' unit='MiB'/></numa></cpu><devices>
<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>
<controller type='usb' model='none'/><memballoon model='none'/></devices></domain>
"""
FILES = "<memoryBacking><source type='file'/></memoryBacking>"
HUGE = "<memoryBacking><hugepages/></memoryBacking>"


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ('security_driver = "selinux"', True),
        ('security_driver = [ "apparmor" ]', True),
        ('security_driver = "none"', False),
        ("vnc_sasl = 1", True),
        ("spice_sasl = 1", True),
        ('vnc_password = "secret"', False),
        ('lock_manager = "lockd"', True),
        ('namespaces = [ "mount" ]', True),
        ('cgroup_controllers = [ "cpu" ]', False),
        ("keepalive_interval = 5", False),
    ],
)
def test_settings_that_cannot_be_heeded(
    connect: Callable[..., api.Connection], root: Path, line: str, refused: bool
) -> None:
    """A guest that would lack what they promise is refused; looking goes on."""
    (root / "e/etc").mkdir(parents=True)
    (root / "e/etc/qemu.conf").write_text(f"{line}\n")
    conn = connect()
    assert conn.connect_list_all_domains(0) == []
    xml = NUMA.format(name="a", backing="")
    if not refused:
        conn.domain_define_xml(xml)
        return
    with pytest.raises(VirtError, match=rf"qemu.conf: '{line.split()[0]}' cannot be heeded") as caught:
        conn.domain_define_xml(xml)
    assert caught.value.code == CONFIG_UNSUPPORTED


@pytest.mark.parametrize("kind", ["files", "pages"])
def test_where_memory_lies(connect: Callable[..., api.Connection], root: Path, kind: str) -> None:
    """In command lines, where the id is -1: memory of a cell and of a DIMM by alias, inside the root and outside."""
    (root / "e/etc").mkdir(parents=True)
    digest, short = hashlib.sha256(f"{root}/e".encode()).hexdigest()[:8], f"-1-{'é' * 20}"
    for base in (root / "e/in", root / "out"):
        (root / "e/etc/qemu.conf").write_text(f'memory_backing_dir = "{base}"\nhugetlbfs_mount = "{base}"\n')
        conn = connect()
        xml = NUMA.format(name="é" * 30, backing=FILES if kind == "files" else HUGE)
        argv = conn.connect_domain_xml_to_native("qemu-argv", xml)
        conn.close()
        outside = base == root / "out"
        if kind == "files":
            folder = f"{base}/libvirt/qemu/{f'qemu-embed-{digest}-' if outside else ''}{short}"
            wanted = {"ram-node0": f"{folder}/ram-node0", "memdimm0": f"{folder}/dimm0"}
        else:
            folder = f"{base}/libvirt/{f'qemu-embed-{digest}' if outside else 'qemu'}/{short}"
            wanted = {"ram-node0": folder, "memdimm0": folder}
        assert dict(re.findall(r'"id":"([^"]*)","mem-path":"([^"]*)"', argv)) == wanted


def test_the_system_has_no_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, f"/x/{variable[4:8].lower()}")
    found = Places.of(Uri("qemu:///session?mode=direct"), LocalHost())
    assert found.etc == "/x/conf/vsh/qemu"
    assert found.run == "/x/runt/vsh/qemu"
    assert found.memory(1, "a", "/dev/shm") == "/dev/shm/libvirt/qemu/1-a"
    assert found.machine(1, "a") == "qemu-1-a"


@pytest.mark.parametrize("name", ["a/b", "a\0b", "a\nb", "x" * 252, "é" * 126])
def test_names_that_are_no_files(name: str) -> None:
    with pytest.raises(VirtError) as caught:
        file_name(name, ".xml")
    assert caught.value.code == XML_ERROR
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


def test_who_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that runs or could be started goes first; mode=direct and embed insist."""

    def driver(text: str) -> str:
        return registry.driver_class(Uri(text)).__name__

    both = ("qemu:///system", "qemu:///session")
    monkeypatch.setattr(registry, "sockets", list)
    monkeypatch.setattr(registry, "daemon_installed", lambda: True)
    assert [driver(text) for text in both] == ["LibvirtDriver"] * 2
    assert driver("qemu:///embed?root=/x") == driver("qemu:///session?mode=direct") == "QemuDriver"
    monkeypatch.setattr(registry, "daemon_installed", lambda: False)
    assert [driver(text) for text in both] == ["QemuDriver"] * 2
    assert driver("qemu:///system?socket=/x") == driver("qemu+unix:///system") == "LibvirtDriver"
    assert driver("qemu://host/system") == driver("qemu:///system?mode=legacy") == "LibvirtDriver"
    monkeypatch.setattr(registry, "sockets", lambda: [("/x", both[0])])
    monkeypatch.setattr(registry, "_answers", lambda path: True)
    assert [driver(text) for text in both] == ["LibvirtDriver", "QemuDriver"]
