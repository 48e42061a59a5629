"""Connection URIs: parsing, aliases and the choice among the places a URI can come from.

The forms are libvirt's (https://libvirt.org/uri.html): `scheme[+transport]://[user@][host][:port]/path[?name=value&...]`.
"""

import os

from . import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TRANSPORTS = ("unix", "tcp", "tls", "ssh", "libssh", "libssh2", "ext")
_HEX = "0123456789abcdefABCDEF"


def unquote(text: str) -> str:
    """Undo percent-encoding; what is not valid UTF-8 then is kept as surrogates, a stray `%` as it is."""
    if "%" not in text:
        return text
    head, *rest = text.encode("utf-8", "surrogateescape").split(b"%")
    out = [head]
    for part in rest:
        code = part[:2].decode("latin-1")
        out.append(
            bytes([int(code, 16)]) + part[2:] if len(code) == 2 and all(c in _HEX for c in code) else b"%" + part
        )
    return b"".join(out).decode("utf-8", "surrogateescape")


class Uri:
    """A parsed URI.

    `text` is what was given; `transport`, `user` and `host` are "" and `port` 0 where absent; `params` keep their
    order.
    """

    __slots__ = ("host", "params", "path", "port", "scheme", "text", "transport", "user")

    def __init__(self, text: str):
        """Raises VirtError(INVALID_ARG) when `text` is not a connection URI."""
        self.text = text
        head, mark, rest = text.partition("://")
        if not mark:
            head, mark, rest = text.partition(":")
        if not mark or not head or not all(c.isalnum() or c in "+-._" for c in head):
            raise errors.virt_error(
                errors.INVALID_ARG,
                f"'{text}' is not a connection URI",
                hint="write scheme://host/path, such as qemu:///system",
            )
        self.scheme, plus, self.transport = head.lower().partition("+")
        if plus and self.transport not in TRANSPORTS:
            raise errors.virt_error(
                errors.INVALID_ARG,
                f"remote_open: transport in URL not recognised (should be {'|'.join(TRANSPORTS)})",
            )
        rest, _, _ = rest.partition("#")
        rest, _, query = rest.partition("?")
        authority, slash, path = rest.partition("/")
        self.path = unquote(slash + path)
        self.user, self.host, self.port = self._authority(authority)
        self.params: dict[str, str] = {}
        for item in query.replace(";", "&").split("&"):
            name, _, value = item.partition("=")
            if name:
                self.params[unquote(name)] = unquote(value)

    def _authority(self, authority: str) -> "tuple[str, str, int]":
        user, _, host = authority.rpartition("@")
        port = ""
        if host.startswith("["):
            host, _, tail = host[1:].partition("]")
            port = tail[1:] if tail.startswith(":") else ""
        elif ":" in host:
            host, _, port = host.rpartition(":")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise errors.virt_error(
                errors.INVALID_ARG, f"'{port}' in '{self.text}' is not a port number", hint="ports are 1 to 65535"
            )
        return unquote(user), unquote(host), int(port or 0)

    def __repr__(self) -> str:
        return f"Uri({self.text!r})"


def config_path(environ: "Mapping[str, str]") -> str:
    """Where libvirt's client configuration lies for this user."""
    if os.geteuid() == 0:
        return "/etc/libvirt/libvirt.conf"
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
    return os.path.join(home, "libvirt", "libvirt.conf")


def choose(given: "str | None", environ: "Mapping[str, str]" = os.environ) -> "str | None":
    """The URI to open: `given`, VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI, `uri_default` of the configuration;
    None to probe.

    A name without `:` is looked up among the configuration's `uri_aliases`, then among the saved connections. Raises
    VirtError(CONF_SYNTAX) for a broken configuration.
    """
    text = given or environ.get("VIRSH_DEFAULT_CONNECT_URI") or environ.get("LIBVIRT_DEFAULT_URI")
    if text and ":" in text:
        return text
    path = config_path(environ)
    settings = {}
    if os.path.exists(path):
        from .conf import read_conf

        settings = read_conf(path)
    if not text:
        default = settings.get("uri_default")
        text = default if isinstance(default, str) else None
    if text and ":" not in text:
        aliases = settings.get("uri_aliases")
        for entry in aliases if isinstance(aliases, list) else []:
            name, mark, target = entry.partition("=")
            if not mark or not name or not all(c.isalnum() or c in "_-" for c in name):
                raise errors.virt_error(
                    errors.CONF_SYNTAX,
                    f"Malformed 'uri_aliases' config entry '{entry}', expected 'alias=uri://host/path'",
                )
            if name == text:
                return target
        from .saved import hosts

        try:
            saved = hosts().get(text)
        except ValueError as error:
            raise errors.virt_error(errors.CONF_SYNTAX, str(error)) from None
        return saved.uri if saved else text
    return text or None
