"""Who the user is to a hypervisor: names and passwords from libvirt's authentication files, else from the user.

The file is the URI's `authfile=`, LIBVIRT_AUTH_FILE, $XDG_CONFIG_HOME/libvirt/auth.conf or /etc/libvirt/auth.conf, the
first that there is (https://libvirt.org/auth.html#client-configuration). Its group `auth-SERVICE-HOST`, or else
`auth-SERVICE-default`, names the group `credentials-NAME` that holds the values. Services are esx, hyperv, libvirt, ssh
and test.
"""

import os

from . import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .uri import Uri

    #: Asks the user: the question without its colon, and whether the answer must not be seen. None: nobody to ask.
    Ask = Callable[[str, bool], "str | None"]


def auth_file(uri: "Uri") -> "str | None":
    """The authentication file to read; None where there is none.

    Raises VirtError(OPEN_FAILED) when the file that was named does not exist.
    """
    named = uri.params.get("authfile") or os.environ.get("LIBVIRT_AUTH_FILE")
    if named:
        if not os.path.exists(named):
            hint = "it is named by authfile= in the URI, or by LIBVIRT_AUTH_FILE"
            raise errors.virt_error(errors.OPEN_FAILED, f"'{named}': No such file or directory", hint=hint)
        return named
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.environ.get("HOME", "/"), ".config")
    for path in (os.path.join(home, "libvirt", "auth.conf"), "/etc/libvirt/auth.conf"):
        if os.path.exists(path):
            return path
    return None


def configured(path: str, service: str, host: str, name: str) -> "str | None":
    """The value `name` (username, authname, password, realm ...) that a file has for `service` on `host`; else None.

    Raises VirtError: CONF_SYNTAX for a file that contradicts itself, OPEN_FAILED for one that cannot be read.
    """
    import configparser

    parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            parser.read_file(file)
    except OSError as error:
        raise errors.virt_error(errors.OPEN_FAILED, f"'{path}': {error.strerror}") from None
    except configparser.Error as error:
        fault = str(error).replace("\n", " ")
        raise errors.virt_error(errors.CONF_SYNTAX, f"{path}: {fault}") from None
    group = next((g for g in (f"auth-{service}-{host}", f"auth-{service}-default") if parser.has_section(g)), None)
    if group is None:
        return None
    if not parser.has_option(group, "credentials"):
        text = f"Missing item 'credentials' in group '{group}' in '{path}'"
        raise errors.virt_error(errors.CONF_SYNTAX, text, domain=errors.FROM_AUTH)
    holder = f"credentials-{parser.get(group, 'credentials')}"
    if not parser.has_section(holder):
        text = f"Missing group '{holder}' referenced from group '{group}' in '{path}'"
        raise errors.virt_error(errors.CONF_SYNTAX, text, domain=errors.FROM_AUTH)
    return parser.get(holder, name) if parser.has_option(holder, name) else None


def username(uri: "Uri", ask: "Ask | None", service: str, host: str) -> str:
    """The name to log in with on `host`.

    Raises VirtError(AUTH_FAILED) when neither a file nor the user tells.
    """
    return _value(uri, ask, service, host, "username", f"Enter username for {host}", False, "Username")


def password(uri: "Uri", ask: "Ask | None", service: str, user: str, host: str) -> str:
    """The password of `user` on `host`.

    Raises VirtError(AUTH_FAILED) when neither a file nor the user tells.
    """
    return _value(uri, ask, service, host, "password", f"Enter {user}'s password for {host}", True, "Password")


def _value(
    uri: "Uri", ask: "Ask | None", service: str, host: str, name: str, question: str, hidden: bool, what: str
) -> str:
    path = auth_file(uri)
    found = configured(path, service, host, name) if path else None
    if found is None:
        found = ask(question, hidden) if ask else None
    if found is None:
        groups = f"[credentials-NAME] with {name}=..., [auth-{service}-{host}] with credentials=NAME"
        hint = f"put it into auth.conf: {groups}"
        raise errors.virt_error(errors.AUTH_FAILED, f"{what} request failed", domain=errors.FROM_AUTH, hint=hint)
    return found
