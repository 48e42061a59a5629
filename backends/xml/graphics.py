"""Graphical displays."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime
from typing import Self

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .engine import Context, Field, Model, View, fail
from .fields import FILE, Children, Enum, Int, OnOff, Part, Text, UInt, YesNo
from .node import Node
from .serialize import Out
from .values import signed

_SECURITY = ("any", "secure", "insecure")


class Listen(Model):
    """Where a display listens."""

    type = Enum("@type", ("none", "address", "network", "socket"), required=True)
    address = Text(
        "@address",
        blank=False,
        show=lambda listen, view: listen.type == "address" or (listen.type == "network" and not view.inactive),
    )
    network = Text("@network", blank=False)
    socket = Text("@socket", blank=False)

    def parsed(self, node: Node, context: Context) -> None:
        if self.type not in ("address",) and not (self.type == "network" and not context.inactive):
            self.address = None
        if self.network is not None and self.type != "network":
            raise fail(XML_ERROR, "'network' attribute is valid only for listen type 'network'")
        if self.socket is not None and self.type != "socket":
            raise fail(XML_ERROR, "'socket' attribute is valid only for listen type 'socket'")


class Graphics(Model):
    """<graphics>; each type has its class below."""

    type = Enum("@type", ("sdl", "vnc", "rdp", "desktop", "spice", "egl-headless", "dbus"), required=True)

    @classmethod
    def kind(cls, node: Node, context: Context) -> builtins.type[Self]:
        chosen = _KINDS.get(node.get("type") or "", cls)
        return chosen if issubclass(chosen, cls) else cls


class Expiry(Field[str]):
    """When a password ends, UTC, "YYYY-MM-DDTHH:MM:SS"."""

    def load(self, text: str, node: Node, context: Context) -> str:
        date, _, time = text.partition("T")
        try:
            numbers = [signed(part) for part in (*date.split("-"), *time.split(":"))]
            year, month, day, hour, minute, second = numbers
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            what = f"cannot parse password validity time '{text}', expect YYYY-MM-DDTHH:MM:SS"
            raise fail(INTERNAL_ERROR, what) from None
        return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Password(Model):
    """Who may connect; without a password the rest means nothing."""

    password = Text("@passwd", show=lambda auth, view: view.secure)
    valid_to = Expiry("@passwdValidTo", default="", when=lambda auth: auth.password is not None)
    connected = Enum(
        "@connected",
        ("fail", "disconnect", "keep"),
        when=lambda auth: auth.password is not None,
        invalid=(CONFIG_UNSUPPORTED, "unknown connected value %s"),
    )


class Networked(Graphics):
    """Displays that listen. The first listener also stands in attributes of <graphics> itself."""

    listens = Children("listen", Listen)

    def emit(self, out: Out, view: View) -> None:
        out.spread = self.spread
        first = self.listens[0] if self.listens else None
        for field in self.fields:
            if field is not Networked.listens:
                field.emit(self, out, view)
            if field is Graphics.type and first is not None:
                self.emit_first(first, out, view)
        listens = Out("graphics")
        for listen in self.listens:
            hidden = view.migratable and self.hidden_from_migration(listen)
            if not hidden:
                listen.emit(listens.add("listen"), view)
        out.children[0:0] = listens.children

    def emit_first(self, first: Listen, out: Out, view: View) -> None:
        raise NotImplementedError

    def hidden_from_migration(self, listen: Listen) -> bool:
        return False

    def emit_address(self, first: Listen, out: Out, view: View) -> None:
        hidden = first.type == "network" and (view.inactive or view.migratable)
        if first.address is not None and not hidden:
            out.set("listen", first.address)

    def read_listens(self, node: Node, context: Context) -> None:
        """Bring old attributes of <graphics> and <listen> elements together."""
        for number, listen in enumerate(self.listens):
            if listen.type in ("socket", "none") and self.type not in ("vnc", "spice"):
                what = f"listen type '{listen.type}' is not available for graphics type '{self.type}'"
                raise fail(CONFIG_UNSUPPORTED, what)
            if number == 0:
                self._match(node, listen, "listen", "address")
                self._match(node, listen, "socket", "socket")
        old_socket = node.get("socket") if self.type == "vnc" else None
        if old_socket is not None:
            old = Listen(type="socket", socket=old_socket)
        else:
            old = Listen(type="address", address=node.get("listen") or None)
        if not self.listens:
            self.listens = [old]
        elif old.type == "socket" and self.listens[0].type in ("address", "network"):
            self.listens[0] = old

    def _match(self, node: Node, listen: Listen, attribute: str, name: str) -> None:
        old, new = node.get(attribute), getattr(listen, name)
        if listen.type != name or old is None:
            return
        if new is not None and new != old:
            what = f"graphics '{attribute}' attribute '{old}' must match '{name}' attribute of first listen element"
            raise fail(CONFIG_UNSUPPORTED, f"{what} (found '{new}')")
        setattr(listen, name, old or None)


class Port(Field[int]):
    """A port; text that is no number is an internal error, as libvirt has it."""

    def load(self, text: str, node: Node, context: Context) -> int:
        return signed(text)


def _flag(node: Node, name: str) -> str | None:
    """An attribute that is "yes" or "no"; libvirt's parser takes anything."""
    value = node.get(name)
    if value not in (None, "yes", "no"):
        node.doubt(f"value '{value}'", name)
    return value


def _never(graphics: Graphics, view: View) -> bool:
    return False  # written by emit_first


class Vnc(Networked):
    spread = True
    port = Port("@port", default=0, invalid=(INTERNAL_ERROR, "cannot parse vnc port %s"), show=_never)
    autoport = YesNo("@autoport", show=_never, default=False)
    websocket = Int("@websocket", show=_never)
    keymap = Text("@keymap")
    share_policy = Enum("@sharePolicy", ("allow-exclusive", "force-shared", "ignore"), zero=("default",))
    power_control = YesNo("@powerControl")
    auth = Part(".", Password)
    audio = UInt("audio/@id", required=True, low=1)

    def read(self, node: Node, context: Context) -> None:
        autoport = _flag(node, "autoport")
        for field in self.fields:
            if field is not Vnc.autoport:
                field.read(self, node, context)
        self.autoport = node.get("port") is None or self.port == -1
        if self.port == -1 and context.inactive:
            self.port = 0
        if autoport in ("yes", "no"):
            self.autoport = autoport == "yes"
        if autoport is not None and self.autoport and context.inactive:
            self.port = 0
        if self.auth.connected not in ("", "keep"):
            raise fail(CONFIG_UNSUPPORTED, "VNC supports connected='keep' only")
        self.read_listens(node, context)

    def emit_first(self, first: Listen, out: Out, view: View) -> None:
        if first.type == "socket" and first.socket is not None:
            out.set("socket", first.socket)
        if first.type in ("address", "network"):
            if self.port and not (self.autoport and view.inactive):
                out.set("port", str(self.port))
            elif self.autoport:
                out.set("port", "-1")
            out.set("autoport", "yes" if self.autoport else "no")
            if self.websocket:
                out.set("websocket", str(self.websocket))
            self.emit_address(first, out, view)

    def hidden_from_migration(self, listen: Listen) -> bool:
        return listen.type == "socket" and listen.socket is not None


class Rdp(Networked):
    port = Port("@port", default=0, invalid=(INTERNAL_ERROR, "cannot parse rdp port %s"), show=_never)
    autoport = YesNo("@autoport", show=_never, default=False)
    replace_user = YesNo("@replaceUser", show=lambda rdp, view: False)
    multi_user = YesNo("@multiUser", show=lambda rdp, view: False)
    username = Text("@username", newer=True)
    password = Text("@passwd", newer=True, show=lambda rdp, view: view.secure)

    def read(self, node: Node, context: Context) -> None:
        Graphics.type.read(self, node, context)
        Networked.listens.read(self, node, context)
        for field in (Rdp.port, Rdp.username, Rdp.password):
            field.read(self, node, context)
        self.autoport = _flag(node, "autoport") == "yes" or node.get("port") is None or self.port == -1
        if self.autoport and context.inactive:
            self.port = 0
        self.replace_user = _flag(node, "replaceUser") == "yes"
        self.multi_user = _flag(node, "multiUser") == "yes"
        self.read_listens(node, context)

    def emit_first(self, first: Listen, out: Out, view: View) -> None:
        if self.port or self.autoport:
            out.set("port", str(self.port))
        for name, value in (
            ("autoport", self.autoport),
            ("replaceUser", self.replace_user),
            ("multiUser", self.multi_user),
        ):
            if value:
                out.set(name, "yes")
        self.emit_address(first, out, view)


_CHANNELS = ("main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir")


class SpiceChannel(Model):
    name = Enum("@name", _CHANNELS, required=True)
    mode = Enum("@mode", _SECURITY, required=True)

    def present(self, view: View) -> bool:
        return self.mode != "any"


class Spice(Networked):
    port = Int("@port", show=_never)
    tls_port = Int("@tlsPort", show=_never)
    autoport = YesNo("@autoport", show=_never, default=False)
    keymap = Text("@keymap")
    default_mode = Enum("@defaultMode", _SECURITY[1:], zero=("any",))
    auth = Part(".", Password)
    channels = Children("channel", SpiceChannel)
    image = Enum("image/@compression", ("auto_glz", "auto_lz", "quic", "glz", "lz", "off"), required=True)
    jpeg = Enum("jpeg/@compression", ("auto", "never", "always"), required=True)
    zlib = Enum("zlib/@compression", ("auto", "never", "always"), required=True)
    playback = OnOff("playback/@compression", required=True)
    streaming = Enum("streaming/@mode", ("filter", "all", "off"), required=True)
    mouse = Enum("mouse/@mode", ("server", "client"), required=True)
    clipboard = YesNo("clipboard/@copypaste", required=True)
    filetransfer = YesNo("filetransfer/@enable", required=True)
    gl = YesNo("gl/@enable", required=True)
    rendernode = Text("gl/@rendernode", shape=FILE, show=lambda spice, view: spice.gl is not None)

    def parsed(self, node: Node, context: Context) -> None:
        self.read_listens(node, context)
        if self.port == -1 and self.tls_port == -1:
            self.autoport = True
        if self.autoport and context.inactive:
            self.port = self.tls_port = 0
        last = {channel.name: channel for channel in self.channels}
        self.channels = [last[name] for name in _CHANNELS if name in last]

    def emit_first(self, first: Listen, out: Out, view: View) -> None:
        if first.type in ("address", "network"):
            if self.port:
                out.set("port", str(self.port))
            if self.tls_port:
                out.set("tlsPort", str(self.tls_port))
            out.set("autoport", "yes" if self.autoport else "no")
            self.emit_address(first, out, view)
        elif first.type == "none" and view.migratable:
            out.set("autoport", "no")

    def hidden_from_migration(self, listen: Listen) -> bool:
        return listen.type == "none"


class Sdl(Graphics):
    display = Text("@display")
    xauth = Text("@xauth")
    fullscreen = YesNo("@fullscreen", show=lambda sdl, view: bool(sdl.fullscreen))
    gl = YesNo("gl/@enable", required=True)


class Desktop(Graphics):
    display = Text("@display")
    fullscreen = YesNo("@fullscreen", show=lambda desktop, view: bool(desktop.fullscreen))


class EglHeadless(Graphics):
    rendernode = Text("gl/@rendernode", shape=FILE)


class DBus(Graphics):
    p2p = YesNo("@p2p", show=lambda dbus, view: bool(dbus.p2p))
    address = Text("@address")
    gl = YesNo("gl/@enable", required=True)
    rendernode = Text("gl/@rendernode", shape=FILE, show=lambda dbus, view: dbus.gl is not None)
    audio = UInt("audio/@id", required=True, low=1)


_KINDS: dict[str, type[Graphics]] = {
    "sdl": Sdl, "vnc": Vnc, "rdp": Rdp, "desktop": Desktop, "spice": Spice, "egl-headless": EglHeadless, "dbus": DBus,
}  # fmt: skip
