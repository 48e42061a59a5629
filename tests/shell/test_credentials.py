"""Names and passwords from libvirt's authentication files, else from the user."""

from pathlib import Path

import pytest

from vsh.backends import credentials, errors
from vsh.backends.uri import Uri

FILE = """\
# who we are
[credentials-main]
username = alice = bob
password=with # and ; inside
[auth-esx-default]
credentials=main
[auth-esx-empty]
[auth-esx-lost]
credentials=nowhere
"""


@pytest.fixture
def uri(tmp_path: Path) -> Uri:
    path = tmp_path / "auth.conf"
    path.write_text(FILE)
    return Uri(f"esx://host/?authfile={path}")


def test_a_file_tells(uri: Uri) -> None:
    assert credentials.username(uri, None, "esx", "host") == "alice = bob"
    assert credentials.password(uri, None, "esx", "alice", "host") == "with # and ; inside"


def test_what_no_file_tells_the_user_is_asked(uri: Uri) -> None:
    asked = []

    def ask(question: str, hidden: bool) -> str:
        asked.append((question, hidden))
        return "me"

    assert credentials.username(uri, ask, "ssh", "host") == "me"
    assert credentials.password(uri, ask, "ssh", "me", "host") == "me"
    assert asked == [("Enter username for host", False), ("Enter me's password for host", True)]


def test_nobody_tells(uri: Uri) -> None:
    with pytest.raises(errors.VirtError, match=r"^authentication failed: Password request failed$") as caught:
        credentials.password(uri, None, "ssh", "me", "host")
    assert caught.value.code == errors.AUTH_FAILED and "[auth-ssh-host]" in caught.value.hint


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("empty", "Missing item 'credentials' in group 'auth-esx-empty'"),
        ("lost", "Missing group 'credentials-nowhere'"),
    ],
)
def test_a_file_that_contradicts_itself(uri: Uri, host: str, fault: str) -> None:
    with pytest.raises(errors.VirtError, match=fault) as caught:
        credentials.username(uri, None, "esx", host)
    assert caught.value.code == errors.CONF_SYNTAX


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libvirt").mkdir()
    own = tmp_path / "libvirt" / "auth.conf"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("LIBVIRT_AUTH_FILE", raising=False)
    plain = Uri("test:///default")
    assert credentials.auth_file(plain) in (None, "/etc/libvirt/auth.conf")
    own.write_text("")
    assert credentials.auth_file(plain) == str(own)
    named = tmp_path / "named"
    named.write_text("garbage")
    monkeypatch.setenv("LIBVIRT_AUTH_FILE", str(named))
    assert credentials.auth_file(plain) == str(named)
    assert credentials.auth_file(Uri(f"test:///default?authfile={own}")) == str(own)
    with pytest.raises(errors.VirtError, match="No such file") as caught:
        credentials.auth_file(Uri("test:///default?authfile=/nowhere"))
    assert caught.value.code == errors.OPEN_FAILED
    with pytest.raises(errors.VirtError, match="named: File contains no section headers"):
        credentials.configured(str(named), "esx", "host", "username")
