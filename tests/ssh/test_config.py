"""The user's own SSH configuration: what it says is done, as ssh(1) would do it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.need import need_root
from tests.live.sshd import Sshd

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from vsh.backends import errors, ssh
from vsh.backends.uri import Uri
told = []
try:
    link = ssh.connect(Uri(sys.argv[1]), (lambda question, hidden: {answer!r}), told.append)
    program = link.start(["sh", "-c", "echo $SSH_CONNECTION"])
    program.socket.shutdown(1)
    print(type(link).__name__, program.socket.makefile().read().split()[-1:], *told, sep="|")
    print(*program.finish(10))
except errors.VirtError as error:
    print(f"failed: {{error}}")
"""


class User:
    """root with an ~/.ssh of the test's own, in a mount namespace; `shadow` gives root a password there."""

    def __init__(self, folder: Path):
        self.ssh = folder / "dot-ssh"
        self.ssh.mkdir(mode=0o700)

    def config(self, text: str) -> None:
        (self.ssh / "config").write_text(text)
        (self.ssh / "config").chmod(0o600)

    def connect(self, uri: str, answer: str | None = None) -> str:
        script = SCRIPT.format(root=str(ROOT), answer=answer)
        mount = 'mkdir -p /root/.ssh && mount --bind "$0" /root/.ssh && exec "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", mount, str(self.ssh), sys.executable, "-c", script, uri],
            env={"PATH": os.environ["PATH"], "HOME": "/root", "VSH_NO_AGENT": "1"}, text=True, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def user(tmp_path: Path) -> User:
    need_root()
    return User(tmp_path)


def entry(alias: str, sshd: Sshd, more: str = "") -> str:
    return (
        f"Host {alias}\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n  IdentityFile {sshd.key}\n"
        f"  UserKnownHostsFile {sshd.known_hosts}\n  StrictHostKeyChecking yes\n{more}"
    )


def test_an_alias_with_everything(user: User, sshd: Sshd) -> None:
    user.config("Include more\n")
    (user.ssh / "more").write_text(entry("web?", sshd))
    assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
    assert user.connect("qemu+ssh://db1/system").startswith("failed: ")


def test_match_and_the_uri_goes_first(user: User, sshd: Sshd) -> None:
    user.config(f"Match host web1 user root\n{entry('*', sshd).partition(chr(10))[2]}\nHost web1\n  Port 1\n")
    assert user.connect("qemu+ssh://root@web1/system") == f"Link|['{sshd.port}']\n0 b''"
    assert "port 1 by SSH: Connection refused" in user.connect("qemu+ssh://root@web1:1/system")


def test_jump_hosts(user: User, sshd: Sshd, new_sshd: Callable[..., Sshd]) -> None:
    gate, inner = new_sshd(), new_sshd()
    user.config(
        entry("gate", gate)
        + entry("inner", inner, "  ProxyJump gate\n")
        + entry("target", sshd, "  ProxyJump gate,inner\n")
    )
    assert user.connect("qemu+ssh://inner/system") == f"Link|['{inner.port}']\n0 b''"
    before = gate.log().count("Accepted publickey")
    assert user.connect("qemu+ssh://target/system") == f"Link|['{sshd.port}']\n0 b''"
    assert gate.log().count("Accepted publickey") == before + 1


def test_a_proxy_command(user: User, sshd: Sshd) -> None:
    user.config(entry("web1", sshd, "  ProxyCommand nc %h %p\n"))
    assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"


def test_a_host_key_alias(user: User, sshd: Sshd) -> None:
    known = user.ssh / "keys"
    known.write_text(f"the-real-one {(sshd.directory / 'host_key.pub').read_text()}")
    text = entry("web1", sshd, "  HostKeyAlias the-real-one\n").replace(str(sshd.known_hosts), str(known))
    user.config(text)
    assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
    user.config(text.replace("the-real-one", "another"))
    assert "host key of another is not known" in user.connect("qemu+ssh://web1/system")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("ControlPath ~/.ssh/%C", "controlpath"),
        ("PKCS11Provider /usr/lib/nosuch.so", "pkcs11provider"),
        ("KnownHostsCommand /bin/cat {known}", "knownhostscommand"),
    ],
)
def test_what_only_openssh_can_do_is_left_to_it(user: User, sshd: Sshd, setting: str, reason: str) -> None:
    user.config(entry("web1", sshd, f"  {setting.format(known=sshd.known_hosts)}\n"))
    told = user.connect("qemu+ssh://web1/system").splitlines()[0]
    assert told.startswith(f"OpensshLink|['{sshd.port}']|web1 is reached by the system's ssh, because of {reason} ")


def test_openssh_by_libvirts_configuration(user: User, sshd: Sshd, tmp_path: Path) -> None:
    user.config(entry("web1", sshd))
    assert user.connect("qemu+ssh://web1/system?command=ssh").startswith("OpensshLink|")


def test_a_broken_configuration(user: User) -> None:
    user.config("Hots x\n")
    told = user.connect("qemu+ssh://web1/system")
    assert (
        told.startswith("failed: configuration file syntax error: ssh -G web1: ") and "Bad configuration option" in told
    )


@pytest.mark.parametrize("method", ["PasswordAuthentication", "KbdInteractiveAuthentication"])
def test_a_password(user: User, new_sshd: Callable[..., Sshd], tmp_path: Path, method: str) -> None:
    """The server lives where root has a password; a hash of `open sesame` by crypt(3)."""
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "open sesame"], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()
    shadow = tmp_path / "shadow"
    shadow.write_text(f"root:{hashed}:19000:0:99999:7:::\n")
    prefix = ["unshare", "--mount", "sh", "-ec", f'mount --bind {shadow} /etc/shadow && exec "$@"', "sh"]
    pam = "yes" if method.startswith("Kbd") else "no"
    sshd = new_sshd(settings={"PasswordAuthentication": "no", method: "yes", "UsePAM": pam}, prefix=prefix)
    user.config(entry("web1", sshd).replace(str(sshd.key), str(tmp_path / "nosuch")))
    assert user.connect("qemu+ssh://web1/system", "open sesame") == f"Link|['{sshd.port}']\n0 b''"
    assert user.connect("qemu+ssh://web1/system", "guessed").startswith("failed: authentication failed: root@web1 ")
    assert "there is no key to try" in user.connect("qemu+ssh://web1/system")
