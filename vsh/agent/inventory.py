"""What completion asks a host for, kept fresh by the host's events."""

import threading

from ..backends import api, errors, registry
from ..backends.procedures import lookup
from ..backends.rpc.codec import codec
from ..backends.ssh import Lent, Loan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..backends.ssh.link import Link

#: Lists that are kept: the events that tell of every change in them, and the flags of virConnectListAll* for which that
#: is true. (Nothing tells of snapshots, saved states and autostart.)
KEPT = {
    "connect_list_all_domains": ("domain_event_lifecycle", 0xFF),
    "connect_list_all_networks": ("network_event_lifecycle", 0xF),
    "connect_list_all_storage_pools": ("storage_pool_event_lifecycle", 0xF),
    "connect_list_all_node_devices": ("node_device_event_lifecycle", -1),
}
#: What is asked for before anybody wants it: all domains, those that run and those that do not.
FIRST = tuple(("connect_list_all_domains", (among,)) for among in (0, 1, 2))
#: Seconds of silence after which a sign of life is asked for, and how often that may be in vain.
KEEPALIVE = 5, 3


class Inventory:
    """A read-only connection of the agent's own to what one URI names, and what its lists said last."""

    def __init__(self, uri: str, link: "Link"):
        """Raises VirtError when it cannot be had."""
        self._lock = threading.Lock()
        self._changes: dict[str, int] = {}  # by kind of events, how many have come
        self._kept: dict[tuple[str, tuple[Any, ...]], tuple[int, bytes]] = {}
        self._wake = threading.Event()
        self._connection = api.Connection(registry.reach(Lent(uri, Loan(link)), True))
        try:
            self._connection.session.set_keepalive(*KEEPALIVE)
        except errors.VirtError:
            pass  # there is nobody at the other end but the link
        threading.Thread(target=self._renew, name="vsh-inventory", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._connection.alive

    def look(self, name: str, args: bytes) -> bytes:
        """The answer to a call, arguments and results as they travel.

        Raises VirtError: what the call raises, and what a read-only connection refuses.
        """
        return self._look(name, tuple(codec(lookup(name)).decode_args(args)))

    def _look(self, name: str, args: "tuple[Any, ...]") -> bytes:
        kind, known = KEPT.get(name, ("", 0))
        kept = bool(kind) and not args[-1] & ~known and self._hears(kind)
        with self._lock:
            now = self._changes.get(kind, 0)
            came, answer = self._kept.get((name, args), (-1, b""))
        if kept and came == now:
            return answer
        answer = codec(lookup(name)).encode_results(getattr(self._connection, name)(*args))
        if kept:
            with self._lock:
                self._kept[name, args] = now, answer
        return answer

    def _hears(self, kind: str) -> bool:
        """Whether events of this kind are heard of, from now on if not before."""
        with self._lock:
            if kind in self._changes:
                return True
        try:
            self._connection.subscribe(kind, None, lambda event: self._changed(kind))
        except errors.VirtError:
            return False
        self._changed(kind)
        return True

    def _changed(self, kind: str) -> None:
        with self._lock:
            self._changes[kind] = self._changes.get(kind, 0) + 1
        self._wake.set()

    def _renew(self) -> None:
        """Ask anew for whatever has changed, until the connection ends."""
        wanted = list(FIRST)
        try:
            while self.alive:
                for name, args in wanted:
                    self._look(name, args)
                self._wake.wait()
                self._wake.clear()
                with self._lock:
                    wanted = list(self._kept)
        except (errors.VirtError, OSError):
            self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
        self._wake.set()
