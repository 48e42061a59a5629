"""A session on a daemon: opening, authentication, and every call of the contract by one path over the tables."""

from .. import driver, errors, procedures
from ..rpc.codec import codec
from ..rpc.overrides import OVERRIDES
from .channel import CLOSE_EOF, CLOSE_ERROR, CLOSE_KEEPALIVE, Call, Channel
from .dial import dial, mute, remote_name
from .transport import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket
    from collections.abc import Callable, Sequence
    from typing import Any

    from ..credentials import Ask
    from ..events import Subscription
    from ..procedures import Procedure
    from ..rpc.frame import Message
    from ..streams import Stream
    from ..uri import Uri
    from .events import Events
    from .lookups import Lookups

#: remote_auth_type.
AUTH_NONE, AUTH_SASL, AUTH_POLKIT = range(3)
#: VIR_CONNECT_RO.
READONLY = 1
#: VIR_DRV_FEATURE_PROGRAM_KEEPALIVE, VIR_DRV_FEATURE_REMOTE_EVENT_CALLBACK.
FEATURE_KEEPALIVE, FEATURE_CALLBACK = 10, 15
#: By virConnectCloseReason, when it is the daemon that tells that its hypervisor went away.
CLOSED = (CLOSE_ERROR, CLOSE_EOF, CLOSE_KEEPALIVE)
#: How long, in seconds, a daemon may take to answer a goodbye.
GOODBYE = 1.0
#: Procedures that belong to the session itself.
_OWN = (
    "connect_open",
    "connect_close",
    "auth_list",
    "auth_polkit",
    "auth_sasl_init",
    "auth_sasl_start",
    "auth_sasl_step",
)


class LibvirtConnection(driver.Connection):
    """A session on the daemon that `uri` names."""

    _channel: Channel

    def __init__(self, driver: "driver.Driver", uri: "Uri", readonly: bool = False):
        super().__init__(driver, uri, readonly)
        self._events: Events | None = None
        self._lookups: Lookups | None = None
        self._attentive = False

    # Opening and closing

    def open(self, ask: "Ask | None") -> None:
        for last in (False, True):
            self._channel = Channel(dial(self.uri, self.readonly, ask, self.notices.append))
            try:
                self._open(ask)
                return
            except BaseException:
                again = self._channel.transport.refused
                self._channel.close()
                if last or not again:
                    raise

    def _open(self, ask: "Ask | None") -> None:
        if self._channel.transport.opened:
            return
        auth = self._start("auth_list", ())
        opening = None
        if self._channel.transport.distant:
            # A daemon that wants no authentication opens at once: one round trip instead of two.
            opening = self._start("connect_open", (remote_name(self.uri), READONLY * self.readonly))
        try:
            types = self._finish(auth, PATIENCE)
        except errors.VirtError as error:
            raise mute(self.uri, PATIENCE) if error.code == errors.OPERATION_TIMEOUT else error from None
        self.portable = not types or types[0] == AUTH_NONE
        if not self.portable:
            if opening is not None:
                self._channel.abandon(opening)
                opening = None
            self._authenticate(types, ask)
        if opening is None:
            opening = self._start("connect_open", (remote_name(self.uri), READONLY * self.readonly))
        self._finish(opening)

    def _authenticate(self, types: "list[int]", ask: "Ask | None") -> None:
        wanted = self.uri.params.get("auth", "")
        if wanted and wanted != "polkit" and wanted.partition(".")[0] != "sasl":
            raise errors.virt_error(errors.AUTH_FAILED, f"unknown authentication type {wanted}")
        kind = {"": types[0], "polkit": AUTH_POLKIT}.get(wanted, AUTH_SASL)
        if kind not in types:
            raise errors.virt_error(errors.AUTH_FAILED, f"requested authentication type {wanted} rejected")
        if kind == AUTH_POLKIT:
            self._finish(self._start("auth_polkit", ()))
            return
        from .sasl import authenticate

        def call(name: str, *args: object) -> "Any":
            return self._finish(self._start(name, args))

        channel = self._channel
        channel.use(authenticate(call, self.uri, ask, wanted.partition(".")[2], channel.transport))

    def close(self) -> None:
        channel = self._channel
        channel.on_close = None
        if channel.failure is None:
            try:
                # Waited for, since a daemon logs an error for every client that just goes away.
                channel.wait(self._start("connect_close", ()), 0.0 if channel.transport.delivers else GOODBYE)
            except errors.VirtError:
                pass
        channel.close()
        if self._events is not None:
            self._events.close()
        super().close()

    def give_away(self) -> "Socket":
        stream = self._channel.transport.detach()
        self._channel.close()
        super().close()
        return stream

    @property
    def alive(self) -> bool:
        return self._channel.failure is None

    def on_close(self, callback: "Callable[[str], None]") -> None:
        self._channel.on_close = callback

    def set_keepalive(self, interval: int, count: int) -> None:
        """As libvirt's virConnectSetKeepAlive; 0 seconds end asking.

        Signs of life are asked for while a call waits, and at any time once the background thread runs.
        """
        from time import monotonic

        from ..rpc.keepalive import Keepalive

        self._channel.keepalive = Keepalive(interval, count, monotonic()) if interval > 0 else None
        self._channel.ring()

    def start_background(self) -> None:
        """Read on a thread, also while no call waits: the daemon's death is noticed at once, and that of its
        hypervisor, and so are its keepalive requests, which are asked for here: a daemon sends them only to clients
        that say that they answer."""
        if self._attentive:
            return
        self._attentive = True
        self._channel.on_event = self._told
        self._channel.start_background()
        self._start("connect_supports_feature", (FEATURE_KEEPALIVE,))
        self._start("connect_register_close_callback", ())
        self._channel.ring()

    def _told(self, message: "Message") -> None:
        """An event came; on the thread that reads."""
        closed = procedures.lookup("connect_event_connection_closed")
        if (message.program, message.procedure) == (procedures.PROGRAMS["remote"][0], closed.number):
            (reason,) = codec(closed).wire_args.decode(message.payload)
            what = CLOSED[reason] if 0 <= reason < len(CLOSED) else CLOSE_ERROR
            self._channel.end(f"the daemon's connection to its hypervisor was closed: {what}", what)
        elif self._events is not None:
            self._events.receive(message)

    # Calls

    def supports(self, name: str) -> "bool | None":
        try:
            return False if name in _OWN or procedures.lookup(name).event else None
        except KeyError:
            return False

    def __getattr__(self, name: str) -> "Any":
        try:
            procedure = procedures.lookup(name) if name[:1] != "_" and name not in _OWN else None
        except KeyError:
            procedure = None
        if procedure is None or procedure.event:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

        def call(*args: object, **named: object) -> "Any":
            values = bind(procedure, args, named)
            if self._lookups is None:
                return self._call(procedure, values)
            (answer,) = self._lookups.batch([(name, tuple(values))])
            if isinstance(answer, errors.VirtError):
                raise answer
            return answer

        return call

    def connect_get_uri(self) -> str:
        """The URI of this connection: that of the client, which leads here again."""
        return self.uri.text

    def connect_is_secure(self) -> int:
        """1 when neither the way to the daemon nor the one from there can be listened to."""
        return int(self._channel.transport.secure and self._finish(self._start("connect_is_secure", ())) == 1)

    def presume(self) -> None:
        if self._lookups is None:
            from .lookups import Lookups

            def start(call: "tuple[str, tuple[Any, ...]]") -> Call:
                return self._start(call[0], bind(procedures.lookup(call[0]), call[1], {}))

            self._lookups = Lookups(start, self._finish, self._batch)
        self._lookups.presume()

    def settle(self) -> None:
        if self._lookups is not None:
            self._lookups.settle()

    def batch(self, calls: "Sequence[tuple[str, tuple[Any, ...]]]") -> "list[Any]":
        return self._batch(calls) if self._lookups is None else self._lookups.batch(calls)

    def _batch(
        self, calls: "Sequence[tuple[str, tuple[Any, ...]]]", settle: "Callable[[], None] | None" = None
    ) -> "list[Any]":
        started: list[Call | Callable[[], Any]] = []
        try:
            for name, args in calls:
                started.append(self._begin(name, args))
            if settle is not None:
                settle()
            return [self._end(call) for call in started]
        except BaseException:
            for call in started:
                if isinstance(call, Call):
                    self._channel.abandon(call)
            raise

    def _begin(self, name: str, args: "tuple[Any, ...]") -> "Call | Callable[[], Any]":
        """A call on its way, or what is to be called in its turn because it is more than that or impossible."""
        try:
            procedure = procedures.lookup(name)
            if hasattr(type(self), name):
                return lambda: getattr(self, name)(*args)
            values = bind(procedure, args, {})
            if name in OVERRIDES or procedure.stream or procedure.files:
                return lambda: self._call(procedure, values)
            return self._start(name, values)
        except errors.VirtError as error:
            failure = error
        return lambda: failure

    def _end(self, call: "Call | Callable[[], Any]") -> "Any":
        try:
            return self._finish(call) if isinstance(call, Call) else call()
        except errors.VirtError as error:
            return error

    def _start(self, name: str, values: "Sequence[Any]") -> Call:
        procedure = procedures.lookup(name)
        return self._channel.submit(procedure, codec(procedure).encode_args(values))

    def _finish(self, call: Call, timeout: "float | None" = None) -> "Any":
        return codec(call.procedure).decode_results(self._channel.wait(call, timeout).payload)

    def _call(self, procedure: "Procedure", values: "list[Any]") -> "Any":
        if procedure.name in OVERRIDES:
            return OVERRIDES[procedure.name](self._raw, *values)
        if procedure.stream:
            return self._open_stream(procedure, values)
        if procedure.files:
            return self._call_with_files(procedure, values)
        return self._finish(self._channel.submit(procedure, codec(procedure).encode_args(values)))

    def _raw(self, name: str, *values: "Any") -> "list[Any]":
        """A call with everything that stands on the wire, for `overrides`."""
        procedure = procedures.lookup(name)
        wire = codec(procedure)
        reply = self._channel.wait(self._channel.submit(procedure, wire.wire_args.encode(values)))
        found: list[Any] = wire.wire_results.decode(reply.payload)
        return found

    def _call_with_files(self, procedure: "Procedure", values: "list[Any]") -> "Any":
        if not self._channel.transport.passes_files:
            raise errors.virt_error(
                errors.ARGUMENT_UNSUPPORTED,
                "fd passing is not supported by this connection",
                hint="file descriptors travel over unix sockets alone",
            )
        fds: Sequence[int] = ()
        if procedure.files == "f":
            fds = values.pop([f.name for f in procedure.parameters].index("files"))
        call = self._channel.submit(procedure, codec(procedure).encode_args(values), fds)
        reply = self._channel.wait(call)
        value = codec(procedure).decode_results(reply.payload)
        if procedure.files == "f":
            return value
        return (value, list(reply.fds)) if procedure.results else list(reply.fds)

    def _open_stream(self, procedure: "Procedure", values: "list[Any]") -> "tuple[Any, Stream]":
        from .stream import ClientStream

        self.start_background()
        channel = self._channel
        stream = ClientStream(channel, procedure)
        call = channel.submit(procedure, codec(procedure).encode_args(values), stream=stream)
        return self._finish(call), stream

    # Events

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> "Subscription":
        return self._listening().subscribe(kind, ref, callback)

    def subscribe_monitor(
        self, event: "str | None", ref: "Any", callback: "Callable[[Any], None]", flags: int = 0
    ) -> "Subscription":
        return self._listening().subscribe_monitor(event, ref, callback, flags)

    def _listening(self) -> "Events":
        if self._events is None:
            from .events import Events

            self.start_background()
            self._events = Events(self._channel, self._start("connect_supports_feature", (FEATURE_CALLBACK,)))
        return self._events


def bind(procedure: "Procedure", args: "Sequence[Any]", named: "dict[str, Any]") -> "list[Any]":
    """The arguments of a call in order, as a method with its parameters and `flags=0` would get them."""
    parameters = procedure.parameters
    values = list(args)
    if len(values) > len(parameters):
        raise TypeError(f"{procedure.name} takes {len(parameters)} arguments, not {len(values)}")
    for parameter in parameters[len(values) :]:
        if parameter.name in named:
            values.append(named.pop(parameter.name))
        elif parameter.name == "flags":
            values.append(0)
        else:
            raise TypeError(f"{procedure.name} misses its argument {parameter.name!r}")
    if named:
        raise TypeError(f"{procedure.name} has no argument {next(iter(named))!r} left to set")
    return values
