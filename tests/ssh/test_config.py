"""The user's own SSH configuration: what it says is done, as ssh(1) would do it."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.live.need import need, need_root
from tests.live.proxy import DelayProxy
from tests.live.sshd import Sshd
from vsh.backends.ssh.settings import DELEGATED

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from vsh.backends import errors, ssh
from vsh.backends.uri import Uri
told = []
try:
    link = ssh.connect(Uri(sys.argv[1]), (lambda question, hidden: {answer!r}), told.append)
    program = link.start(["sh", "-c", "echo $SSH_CONNECTION; sleep {wait}"])
    program.socket.shutdown(1)
    print(type(link).__name__, program.socket.makefile().read().split()[-1:], *told, sep="|")
    print(*program.finish(10))
except (OSError, errors.VirtError) as error:
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

    def libvirt_conf(self, text: str) -> None:
        """Give root a libvirt.conf of its own."""
        folder = self.ssh.parent / "libvirt"
        folder.mkdir(exist_ok=True)
        (folder / "libvirt.conf").write_text(text)

    def connect(self, uri: str, answer: str | None = None, wait: float = 0) -> str:
        """What comes of connecting and giving `answer` to all questions; `wait` seconds lasts a program over there."""
        return self.run(SCRIPT.format(root=str(ROOT), answer=answer, wait=wait), uri)

    def run(self, script: str, *argv: str) -> str:
        mount = (
            'mkdir -p /root/.ssh /etc/libvirt && mount --bind "$0" /root/.ssh\n'
            '[ ! -d "$0/../libvirt" ] || mount --bind "$0/../libvirt" /etc/libvirt\nexec "$@"'
        )
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", mount, str(self.ssh), sys.executable, "-c", script, *argv],
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


def test_known_hosts_of_the_machine_and_new_hosts(user: User, sshd: Sshd, tmp_path: Path) -> None:
    text = entry("web1", sshd).replace(str(sshd.known_hosts), str(user.ssh / "known"))
    user.config(f"{text}  GlobalKnownHostsFile {sshd.known_hosts}\n")
    assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
    user.config(text)
    assert "is not known" in user.connect("qemu+ssh://web1/system", "yes")  # StrictHostKeyChecking yes asks nobody
    for policy in ("accept-new", "no"):
        (user.ssh / "known").unlink(missing_ok=True)
        user.config(text.replace("StrictHostKeyChecking yes", f"StrictHostKeyChecking {policy}"))
        assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
        assert len((user.ssh / "known").read_text().splitlines()) == 1


def test_which_keys_are_offered(user: User, new_sshd: Callable[..., Sshd]) -> None:
    """The agent's, unless IdentitiesOnly; a key of the configuration with the certificate that it names elsewhere."""
    sshd = new_sshd()
    text = entry("web1", sshd).replace(f"IdentityFile {sshd.key}", f"IdentityFile {user.ssh}/nosuch")
    with agent(sshd.key) as place:
        user.config(f"{text}  IdentityAgent {place}\n")
        assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
        assert user.connect("qemu+ssh://web1/system?sshauth=privkey").startswith("failed: authentication failed: ")
        user.config(f"{text}  IdentityAgent {place}\n  IdentitiesOnly yes\n")
        assert "there is no key to try" in user.connect("qemu+ssh://web1/system")
    authority, key = sshd.new_key("ca"), sshd.new_key("certified")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "tests", "-n", "root", f"{key}.pub"]
    subprocess.run(sign, check=True, timeout=30)
    shutil.move(sshd.directory / "certified-cert.pub", user.ssh / "elsewhere-cert.pub")
    (sshd.directory / "authorized_keys").write_text(f"cert-authority {(sshd.directory / 'ca.pub').read_text()}")
    text = entry("web1", sshd).replace(str(sshd.key), str(key))
    user.config(f"{text}  CertificateFile /root/.ssh/elsewhere-cert.pub\n")
    assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
    user.config(text)
    assert f"tried {key}" in user.connect("qemu+ssh://web1/system")


def test_paths_with_blanks_and_variables(user: User, sshd: Sshd, tmp_path: Path) -> None:
    """Of a key and of known hosts, in the configuration and in the URI, by paramiko and by ssh(1)."""
    key, known = user.ssh / "my key", tmp_path / "known hosts"
    shutil.copy(sshd.key, key)
    key.chmod(0o600)
    shutil.copy(sshd.known_hosts, known)
    text = entry("web1", sshd).replace(f"IdentityFile {sshd.key}", 'IdentityFile "${HOME}/.ssh/my key"')
    user.config(text)
    assert user.connect("qemu+ssh://web1/system") == f"Link|['{sshd.port}']\n0 b''"
    user.config(entry("web1", sshd).replace(str(sshd.key), "/nosuch").replace(str(sshd.known_hosts), "/nosuch"))
    uri = f"qemu+ssh://web1/system?keyfile=/root/.ssh/my%20key&known_hosts={quote(str(known))}"
    assert user.connect(uri) == f"Link|['{sshd.port}']\n0 b''"
    assert user.connect(f"{uri}&command=ssh") == f"OpensshLink|['{sshd.port}']\n0 b''"


@contextmanager
def agent(key: Path) -> Iterator[str]:
    """The socket of an ssh-agent that holds a key."""
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, timeout=30, check=True).stdout
    values = dict(word.split("=", 1) for word in started.replace(";", " ").split() if "=" in word)
    try:
        add = ["ssh-add", "-q", str(key)]
        subprocess.run(add, env={**os.environ, **values}, check=True, timeout=30)
        yield values["SSH_AUTH_SOCK"]
    finally:
        os.kill(int(values["SSH_AGENT_PID"]), 15)


def test_times(user: User, sshd: Sshd) -> None:
    """ConnectTimeout, for a host that does not say a word; ServerAlive*, for one that falls silent."""
    with socket.create_server(("127.0.0.1", 0)) as mute, DelayProxy(("127.0.0.1", sshd.port), 0) as proxy:
        text = entry("web1", sshd).replace(f"Port {sshd.port}", "Port {}")
        user.config(f"{text.format(mute.getsockname()[1])}  ConnectTimeout 1\n")
        began = time.monotonic()
        assert user.connect("qemu+ssh://web1/system").startswith("failed: cannot connect to web1 port ")
        assert time.monotonic() - began < 5
        assert isinstance(proxy.address, tuple)
        text = text.format(proxy.address[1]).replace("StrictHostKeyChecking yes", "StrictHostKeyChecking no")
        user.config(f"{text}  ServerAliveInterval 1\n  ServerAliveCountMax 1\n")
        threading.Timer(1.5, proxy.lost.set).start()
        began = time.monotonic()
        told = user.connect("qemu+ssh://web1/system?known_hosts=/dev/null", wait=20)
        assert told.endswith("failed: [Errno 104] the SSH connection was lost")
        assert time.monotonic() - began < 9


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


def test_all_that_is_left_to_openssh(user: User) -> None:
    """Each setting of the stated list; none that means nothing."""
    settings = {
        "controlpath": "/tmp/x", "pkcs11provider": "/x.so", "revokedhostkeys": "/x", "knownhostscommand": "/x",
        "addressfamily": "inet", "bindaddress": "127.0.0.1", "bindinterface": "lo", "permitlocalcommand": "yes",
        "proxyusefdpass": "yes",
        "tunnel": "yes", "hostbasedauthentication": "yes", "requesttty": "force", "remotecommand": "x",
    }  # fmt: skip
    assert set(settings) == set(DELEGATED)
    user.config("".join(f"Host {name}\n  {name} {value}\n" for name, value in settings.items()) + "Host *\n  Port 1\n")
    script = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom vsh.backends.ssh.settings import resolve\n"
        "print(*(resolve(name).beyond_us() for name in sys.argv[1:]), sep='|')"
    )
    reasons = user.run(script, *settings, "plain").split("|")
    assert [reason.partition(" ")[0] for reason in reasons] == [*settings, ""]


def test_openssh_by_libvirts_configuration(user: User, sshd: Sshd) -> None:
    user.config(entry("web1", sshd))
    assert user.connect("qemu+ssh://web1/system?command=ssh").startswith("OpensshLink|")
    user.libvirt_conf('ssh_transport = "openssh"\n')
    assert user.connect("qemu+ssh://web1/system").startswith("OpensshLink|")
    user.libvirt_conf('ssh_transport = "paramiko"\n')
    assert user.connect("qemu+ssh://web1/system").startswith("Link|")
    user.libvirt_conf('ssh_transport = "carrier pigeon"\n')
    assert "ssh_transport is openssh or paramiko, not 'carrier pigeon'" in user.connect("qemu+ssh://web1/system")


def test_a_broken_configuration(user: User) -> None:
    need("ssh")
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
    assert "there is no key to try" in user.connect("qemu+ssh://web1/system?no_tty=1", "open sesame")
    assert "there is no key to try" in user.connect("qemu+ssh://web1/system?sshauth=agent,privkey", "open sesame")
    for unwanted in ("PreferredAuthentications publickey", f"{method} no"):
        user.config(entry("web2", sshd, f"  {unwanted}\n").replace(str(sshd.key), str(tmp_path / "nosuch")))
        assert "there is no key to try" in user.connect("qemu+ssh://web2/system", "open sesame")
    user.config(entry("web1", sshd).replace(str(sshd.key), str(tmp_path / "nosuch")))
    auth = tmp_path / "auth.conf"
    auth.write_text("[credentials-x]\npassword=open sesame\n[auth-ssh-web1]\ncredentials=x\n")
    stored = f"qemu+ssh://web1/system?authfile={auth}"
    assert user.connect(stored) == f"Link|['{sshd.port}']\n0 b''"
