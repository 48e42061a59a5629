"""URIs: their parts, the order of their sources, aliases, and the probe that never falls back to the test host."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.live.side import Side, vsh_command
from vsh.backends import errors, uri
from vsh.backends.conf import read_conf


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("test:///default", ("test", "", "", "", 0, "/default", {})),
        ("qemu:///system", ("qemu", "", "", "", 0, "/system", {})),
        ("qemu+ssh://root@host:2222/system?keyfile=/a%20b&no_verify=1",
         ("qemu", "ssh", "root", "host", 2222, "/system", {"keyfile": "/a b", "no_verify": "1"})),
        ("qemu+tcp://[::1]:16509/system", ("qemu", "tcp", "", "::1", 16509, "/system", {})),
        ("lxc:///", ("lxc", "", "", "", 0, "/", {})),
        ("test+unix:///default?socket=/run/x", ("test", "unix", "", "", 0, "/default", {"socket": "/run/x"})),
        ("qemu:/session", ("qemu", "", "", "", 0, "/session", {})),
    ],
)  # fmt: skip
def test_parts(text: str, parts: tuple[object, ...]) -> None:
    u = uri.Uri(text)
    assert (u.scheme, u.transport, u.user, u.host, u.port, u.path, u.params) == parts


def test_ports_that_are_none() -> None:
    for text in ("qemu://h:99999/", "qemu+tcp://[::1]:0/system"):
        with pytest.raises(errors.VirtError, match="is not a port number"):
            uri.Uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "foo", "/default", ":", "://x", "+unix:///x", "te_st:///x", "test:///default ", " test:///default", "tést:///default",
        "test:///a|b", "test:///%zz", "test:///default?x=%4", "test://[::1/default", "test://h:/default", "test://h:x/default",
        "TEST:///default", "test:/default", "test:///default?a=%41;b#c[]", "test+warp:///default", "test://u:p@/default",
        "test://h/default", "mailto:a@b",
    ],
)  # fmt: skip
def test_as_virsh(side: Side, text: str) -> None:
    side.assert_same("-c", text, "list --name")


def test_percent_that_is_none() -> None:
    assert uri.unquote("100%") == "100%"
    assert uri.unquote("%zz%41") == "%zzA"
    assert uri.unquote("%ff").encode("utf-8", "surrogateescape") == b"\xff"


def test_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = tmp_path / "libvirt.conf"
    conf.write_text('uri_default = "qemu:///conf"\nuri_aliases = [ "web=qemu+ssh://web/system", "a-b_1=test:///x" ]\n')
    monkeypatch.setattr(uri, "config_path", lambda environ: str(conf))
    both = {"VIRSH_DEFAULT_CONNECT_URI": "qemu:///virsh", "LIBVIRT_DEFAULT_URI": "qemu:///libvirt"}
    assert uri.choose("test:///default", both) == "test:///default"
    assert uri.choose(None, both) == "qemu:///virsh"
    assert uri.choose(None, {"LIBVIRT_DEFAULT_URI": "qemu:///libvirt"}) == "qemu:///libvirt"
    assert uri.choose(None, {}) == "qemu:///conf"
    assert uri.choose("web", {}) == "qemu+ssh://web/system"
    assert uri.choose("a-b_1", {}) == "test:///x"
    assert uri.choose("unknown", {}) == "unknown"
    conf.write_text('uri_aliases = [ "no target" ]\n')
    with pytest.raises(errors.VirtError, match="Malformed 'uri_aliases'"):
        uri.choose("web", {})


def test_configuration_syntax(tmp_path: Path) -> None:
    conf = tmp_path / "x.conf"
    conf.write_text("# head\na = 1 # one\nb = 'x'\nc = [ \"p\", 'q', ]\n\nd=-3\n")
    assert read_conf(str(conf)) == {"a": 1, "b": "x", "c": ["p", "q"], "d": -3}
    for text, line in [
        ("a = \n", 1),
        ("a = 1\nb\n", 2),
        ("a = 'x\n", 1),
        ("a = [1]\n", 1),
        ("a = 1 b = 2\n", 1),
        ("=\n", 1),
    ]:
        conf.write_text(text)
        with pytest.raises(errors.VirtError) as caught:
            read_conf(str(conf))
        assert f"x.conf:{line}:" in caught.value.message


def vsh(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LIBVIRT", "VIRSH", "XDG"))}
    return subprocess.run(
        [*vsh_command(), *argv], env=env | environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_environment_names_the_uri(tmp_path: Path) -> None:
    assert vsh("uri", VIRSH_DEFAULT_CONNECT_URI="test:///default").stdout == "test:///default\n\n"
    assert vsh("uri", LIBVIRT_DEFAULT_URI="test:///default").stdout == "test:///default\n\n"


def test_nothing_to_connect_to_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from vsh.backends import registry

    monkeypatch.setattr(registry, "sockets", list)
    with pytest.raises(errors.VirtError) as caught:
        registry.probe()
    assert caught.value.code == errors.NO_CONNECT
    assert "test:///default" in caught.value.message and "\n" not in caught.value.message
