"""URIs, folders, and the paths that keep embedded drivers apart."""

import hashlib
from pathlib import Path

import pytest

from vsh.backends import registry
from vsh.backends.errors import INVALID_ARG, XML_ERROR, VirtError
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
    digest = hashlib.sha256(root.encode()).hexdigest()[:8]
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
