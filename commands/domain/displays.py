"""`domdisplay`, `domdisplay-reload`, `vncdisplay` and `ttyconsole`: where a domain's screen and console are."""

from vsh.backends.constants.domain import DOMAIN_XML_SECURE

from ..declare import Flag, Int, Opt, command
from ..errors import CommandError
from ..results import Done, Text
from .lookup import ACTIVE, Domain
from .targets import definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from vsh.backends.api import Connection
    from vsh.backends.records import DomainRef

    from ..context import Context

#: In the order in which domdisplay looks.
SCHEMES = ("vnc", "spice", "rdp", "dbus")
#: Where VNC counts its displays from.
VNC_PORT = 5900


@command(
    "domdisplay",
    group="domain",
    options=[
        Domain(ACTIVE),
        Flag("include-password", "with the password, where the domain has one"),
        Opt("type", "that of this kind: vnc, spice, rdp, dbus", complete=lambda ctx, given: SCHEMES),
        Flag("all", "all of its displays"),
    ],
    exclusive=[("all", "type")],
)
def domdisplay(
    ctx: "Context",
    domain: "DomainRef",
    include_password: bool = False,
    type: "str | None" = None,
    all: bool = False,
) -> Text:
    """Show the URI of a running domain's display.

    Without options that of the first it has.
    """
    _check_running(ctx, domain)
    root = definition(ctx, domain, DOMAIN_XML_SECURE * include_password)
    uris = []
    for scheme in SCHEMES:
        if type not in (None, scheme):
            continue
        uri = _dbus_uri(ctx, root) if scheme == "dbus" else _uri(ctx.connection, root, scheme)
        if uri is not None:
            uris.append(uri)
            if not all:
                break
    if not uris:
        kind = "" if type is None else f" with type '{type}'"
        raise CommandError(f"No graphical display{kind} found")
    end = "\n" if all else ""
    return Text("".join(f"{uri}{end}" for uri in uris), data=[{"uri": uri} for uri in uris])


def _check_running(ctx: "Context", domain: "DomainRef") -> None:
    if not ctx.connection.domain_is_active(domain):
        raise CommandError("Domain is not running")


def _dbus_uri(ctx: "Context", root: "_Element") -> "str | None":
    address = next(_values(root, "dbus", "address"), None)
    if address is None:
        return None
    path = address.removeprefix("unix:path=")
    if path == address:
        ctx.warn(f"'{address}' D-Bus address is not handled")
        return None
    return f"dbus+unix://{path}"


def _uri(connection: "Connection", root: "_Element", scheme: str) -> "str | None":
    """The URI of the first display of a kind that has a port or socket; None without one."""
    port, tls_port = (_number(next(_values(root, scheme, name), "")) or 0 for name in ("port", "tlsPort"))
    socket = next(_values(root, scheme, "socket", "listen"), None)
    if not (port or tls_port or socket):
        return None
    password = next(_values(root, scheme, "passwd"), None)
    uri = f"{scheme}+unix://" if socket else f"{scheme}://"
    if scheme == "vnc" and password:
        uri += f":{password}@"
    if socket:
        uri += socket
    else:
        host = _host(connection, _listen(root, scheme))
        uri += f"[{host}]" if ":" in host else host
    if port:
        uri += f":{port - VNC_PORT if scheme == 'vnc' else port}"
    query = [f"tls-port={tls_port}"] if tls_port else []
    if scheme == "spice" and password:
        query.append(f"password={password}")
    return uri + ("?" + "&".join(query) if query else "")


def _values(root: "_Element", scheme: str, name: str, child: str = ".") -> "Iterator[str]":
    """The values, not empty, that an attribute has in the graphics devices of a kind."""
    for graphics in root.iterfind(f"devices/graphics[@type='{scheme}']"):
        for element in [graphics] if child == "." else graphics.iterfind(child):
            if value := element.get(name):
                yield str(value)


def _number(text: str) -> "int | None":
    try:
        return int(text)
    except ValueError:
        return None


def _listen(root: "_Element", scheme: str) -> "str | None":
    address = next(_values(root, scheme, "listen"), None)
    return address or next(_values(root, scheme, "address", "listen"), None)


def _host(connection: "Connection", address: "str | None") -> str:
    """Where to connect to: of a display that listens everywhere, the host that is connected to."""
    from ipaddress import ip_address

    try:
        everywhere = address is not None and ip_address(address).is_unspecified
    except ValueError:
        everywhere = False
    if everywhere:
        address = connection.uri.host
    return address or "localhost"


@command(
    "domdisplay-reload",
    group="domain",
    options=[Domain(ACTIVE), Int("type", "0: every kind, 1: VNC", least=0, most=2**32 - 1, positional=False)],
)
def domdisplay_reload(ctx: "Context", domain: "DomainRef", type: int = 0) -> Done:
    """Have the displays of a running domain read their certificates anew.

    Clients stay connected.
    """
    ctx.connection.domain_graphics_reload(domain, type, 0)
    return Done(type=type)


@command("vncdisplay", group="domain", options=[Domain(ACTIVE)])
def vncdisplay(ctx: "Context", domain: "DomainRef") -> Text:
    """Show the address of a running domain's VNC display.

    As VNC viewers take it: HOST:DISPLAY.
    """
    _check_running(ctx, domain)
    root = definition(ctx, domain)
    port = _number(next(_values(root, "vnc", "port"), ""))
    if port is None:
        raise CommandError("Failed to get VNC port. Is this domain using VNC?")
    address = _listen(root, "vnc")
    display = port - VNC_PORT
    host = "" if address in (None, "0.0.0.0") else address
    return Text(f"{host}:{display}\n", data={"address": address, "display": display, "port": port})


@command("ttyconsole", group="domain", options=[Domain(ACTIVE)])
def ttyconsole(ctx: "Context", domain: "DomainRef") -> Text:
    """Show the terminal device of a running domain's console."""
    console = definition(ctx, domain).find("devices/console")
    tty = console.get("tty") if console is not None else None
    if not tty:
        raise CommandError(hint="the domain has no console on a terminal")
    return Text(f"{tty}\n", data={"tty": str(tty)})
