"""Events of a daemon: registration, and routing by callback id.

Daemons that know no callback ids (libvirt before 1.2.1) tell of domains alone, once for each kind, whatever the domain.
"""

from threading import Lock

from .. import errors, events, procedures
from ..dispatch import Dispatcher
from ..rpc.codec import codec, decode_event, decode_older_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..rpc.frame import Message
    from .channel import Call, Channel

#: How many events are kept at most until it is known whom to tell.
EARLY = 10000
#: In a route, of events without a callback id.
NO_ID = -1
#: Family -> the middle of the names of its register and deregister calls.
_FAMILIES = {"domain": "domain_event_callback"}


class Events:
    """The subscriptions of one connection; `modern` is the call that asks whether the daemon knows callback ids.

    A daemon takes one registration for each kind and object, and picks the events of that object; subscriptions to the
    same share it.
    """

    def __init__(self, channel: "Channel", modern: "Call"):
        self._channel = channel
        self._modern = modern
        self._dispatcher = Dispatcher()
        self._lock = Lock()
        #: What was registered, a kind and an object above all -> (program, number of the message, callback id).
        self._registered: dict[tuple[Any, ...], tuple[int, int, int]] = {}
        #: (program, number of the message, callback id) -> who is told.
        self._routes: dict[tuple[int, int, int], tuple[events.Subscription, ...]] = {}
        # A daemon may tell of an event before it has told the id of its callback: while one is being registered,
        # events without a subscription are kept.
        self._registering = False
        self._early: list[Message] = []

    def subscribe(self, kind: str, ref: "Any", callback: "Callable[[Any], None]") -> events.Subscription:
        """See driver.Connection.subscribe."""
        if kind not in events.KINDS:
            raise errors.virt_error(errors.INVALID_ARG, f"there are no events called '{kind}'")
        subscription = events.Subscription(kind, ref, callback, self._unsubscribe)
        family, number = events.KINDS[kind]
        if family != "domain" or self._knows_ids():
            self._add(subscription, (kind, ref), _procedure(kind, "register"), (number, ref))
        else:
            if events.older(kind) is None:
                raise errors.no_support("virConnectDomainEventRegisterAny")
            self._add(subscription, (kind, None), procedures.lookup("connect_domain_event_register_any"), (number,))
        return subscription

    def _knows_ids(self) -> bool:
        (answer,) = codec(self._modern.procedure).wire_results.decode(self._channel.wait(self._modern).payload)
        return bool(answer)

    def subscribe_monitor(
        self, event: "str | None", ref: "Any", callback: "Callable[[Any], None]", flags: int
    ) -> events.Subscription:
        """See driver.Connection.subscribe_monitor."""
        subscription = events.Subscription(events.MONITOR, ref, callback, self._unsubscribe)
        key = (events.MONITOR, ref, event, flags)
        self._add(subscription, key, _procedure(events.MONITOR, "register"), (ref, event, flags))
        return subscription

    def close(self) -> None:
        """Tell nobody anything any more."""
        self._dispatcher.close()
        self._routes.clear()

    def _add(
        self,
        subscription: events.Subscription,
        key: "tuple[Any, ...]",
        procedure: procedures.Procedure,
        args: "tuple[Any, ...]",
    ) -> None:
        """Tell the subscription of what `key` stands for; the first one registers with the daemon."""
        with self._lock:
            route = self._registered.get(key)
            if route is None:
                self._register(subscription, key, procedure, args)
            else:
                self._routes[route] += (subscription,)

    def _register(
        self,
        subscription: events.Subscription,
        key: "tuple[Any, ...]",
        procedure: procedures.Procedure,
        args: "tuple[Any, ...]",
    ) -> None:
        told = events.message(subscription.kind) if procedure.results else events.older(subscription.kind)
        assert told is not None

        def on_reply(message: "Message") -> None:
            # On the reading thread, before it looks at the next message.
            program, _ = procedures.PROGRAMS[told.program]
            callback_id = codec(procedure).decode_results(message.payload) if procedure.results else NO_ID
            route = program, told.number, callback_id
            self._registered[key] = route
            self._routes[route] = (subscription,)
            early, self._early = self._early, []
            for event in early:
                self.receive(event)

        self._registering = True
        try:
            payload = codec(procedure).encode_args(args)
            self._channel.wait(self._channel.submit(procedure, payload, on_reply=on_reply))
        finally:
            self._registering = False
            self._early = []

    def _unsubscribe(self, subscription: events.Subscription) -> None:
        with self._lock:
            registered = self._registered.items()
            key, route = next(
                ((key, route) for key, route in registered if subscription in self._routes.get(route, ())), (None, None)
            )
            if key is None or route is None:
                return
            self._routes[route] = tuple(s for s in self._routes[route] if s is not subscription)
            if self._routes[route] or self._channel.failure is not None:
                return
            del self._registered[key], self._routes[route]
            procedure, argument = _procedure(subscription.kind, "deregister"), route[2]
            if argument == NO_ID:
                procedure = procedures.lookup("connect_domain_event_deregister_any")
                argument = events.KINDS[subscription.kind][1]
            try:
                self._channel.wait(self._channel.submit(procedure, codec(procedure).encode_args((argument,))))
            except errors.VirtError:
                if self._channel.failure is None:
                    raise

    def receive(self, message: "Message") -> None:
        """A message that tells of an event has come; on the thread that reads."""
        callback_id = int.from_bytes(message.payload[:4], "big", signed=True)
        program, number = message.program, message.procedure
        subscriptions = self._routes.get((program, number, callback_id), ())
        if subscriptions:
            event = decode_event(subscriptions[0].kind, message.payload)[1]
        elif subscriptions := self._routes.get((program, number, NO_ID), ()):
            event = decode_older_event(subscriptions[0].kind, message.payload)
            subscriptions = tuple(s for s in subscriptions if s.ref in (None, event.dom))
        elif self._registering and len(self._early) < EARLY:
            self._early.append(message)
        for subscription in subscriptions:
            self._dispatcher.post(subscription, event)


def _procedure(kind: str, verb: str) -> procedures.Procedure:
    """The call that registers or deregisters for events of a kind."""
    if kind == events.MONITOR:
        return procedures.lookup(f"qemu_connect_domain_monitor_event_{verb}")
    family = events.KINDS[kind][0]
    return procedures.lookup(f"connect_{_FAMILIES.get(family, f'{family}_event')}_{verb}_any")
