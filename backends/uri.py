"""Connection URIs: parsing, aliases and the choice among the places a URI can come from.

The forms are libvirt's (https://libvirt.org/uri.html): `scheme[+transport]://[user@][host][:port]/path[?name=value&...]`.
"""

import os

from . import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TRANSPORTS = ("tls", "unix", "ssh", "ext", "tcp", "libssh2", "libssh")
_HEX = "0123456789abcdefABCDEF"
#: What may stand in the parts of a URI (RFC 3986), beside percent-encoded bytes.
_IN_SCHEME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.")
_IN_USER = _IN_SCHEME | frozenset("_~!$&'()*,;=:")
_IN_PATH = _IN_USER | frozenset("@/")
_IN_QUERY = _IN_PATH | frozenset("?")
_IN_FRAGMENT = _IN_QUERY | frozenset("[]")
_HINT = "write scheme://host/path, such as qemu:///system"


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


def _made_of(text: str, allowed: "frozenset[str]") -> bool:
    """Whether all of `text` is `allowed`, or percent-encoded."""
    if allowed.issuperset(text):
        return True
    first, *rest = text.split("%")
    return allowed.issuperset(first) and all(
        len(part) > 1 and part[0] in _HEX and part[1] in _HEX and allowed.issuperset(part[2:]) for part in rest
    )


def _authority(text: str) -> "tuple[str, str, str | None]":
    """User, host and port, which is None where no colon stands before it; an IPv6 host keeps its brackets, which are
    closed: anything else is no host and no port."""
    user, _, host = text.rpartition("@")
    if host.startswith("["):
        inner, closed, tail = host.partition("]")
        good = closed and (not tail or tail.startswith(":"))
        return user, inner + closed if good else host[1:] + "[", tail[1:] if tail else None
    host, colon, port = host.partition(":")
    return user, host, port if colon else None


class Uri:
    """A parsed URI.

    `text` is what was given; `transport`, `user` and `host` are "" and `port` 0 where absent; `params` keep their
    order. The scheme is as it was written: libvirt's drivers answer to theirs in lower case alone.
    """

    __slots__ = ("host", "params", "path", "port", "scheme", "text", "transport", "user")

    def __init__(self, text: str):
        """Raises VirtError: INTERNAL_ERROR when `text` is no URI, NO_CONNECT when it has no scheme, INVALID_ARG when
        its transport or port makes no sense."""
        self.text = text
        rest, _, fragment = text.partition("#")
        rest, _, query = rest.partition("?")
        scheme, colon, hierarchy = rest.partition(":")
        named = colon and "/" not in scheme
        authority, path = "", hierarchy if named else rest
        if path.startswith("//"):
            authority, slash, path = path[2:].partition("/")
            path = slash + path
        user, host, port = _authority(authority)
        well_formed = (
            (not named or (scheme[:1].isalpha() and _IN_SCHEME.issuperset(scheme)))
            and _made_of(user, _IN_USER)
            and (host.startswith("[") or _made_of(host, _IN_USER))
            and (port is None or (port.isascii() and port.isdigit()))
            and _made_of(path, _IN_PATH)
            and _made_of(query, _IN_QUERY)
            and _made_of(fragment, _IN_FRAGMENT)
        )
        if not well_formed:
            detail = f"Unable to parse URI {text}"
            raise errors.virt_error(errors.INTERNAL_ERROR, detail, domain=errors.FROM_URI, hint=_HINT)
        if not named:
            detail = f"URI '{text}' does not include a driver name"
            raise errors.virt_error(
                errors.NO_CONNECT, detail, hint=f"{_HINT}, or a saved connection's name ('hosts' lists them)"
            )
        self.scheme, plus, transport = scheme.partition("+")
        self.transport = transport.lower()
        if plus and self.transport not in TRANSPORTS:
            raise errors.virt_error(
                errors.INVALID_ARG,
                f"remote_open: transport in URL not recognised (should be {'|'.join(TRANSPORTS)})",
            )
        if host and port is not None and not 0 < int(port) < 65536:
            raise errors.virt_error(
                errors.INVALID_ARG, f"'{port}' in '{text}' is not a port number", hint="ports are 1 to 65535"
            )
        self.path = unquote(path)
        self.user, self.host, self.port = unquote(user), unquote(host.strip("[]")), int(port or 0) if host else 0
        self.params: dict[str, str] = {}
        for item in query.replace(";", "&").split("&"):
            name, _, value = item.partition("=")
            if name:
                self.params[unquote(name)] = unquote(value)

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
