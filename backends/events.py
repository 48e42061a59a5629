"""The kinds of events, and subscriptions to them.

A kind is named as libvirt's remote protocol names its message (`domain_event_lifecycle`); its callbacks get one record
with the message's fields (`DomainEventLifecycle(dom, event, detail)`). Order is libvirt's virDomainEventID and its
siblings: the index within a family is the event id that is registered.
"""

from . import procedures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FAMILIES = {
    "domain": (
        "lifecycle",
        "reboot",
        "rtc_change",
        "watchdog",
        "io_error",
        "graphics",
        "io_error_reason",
        "control_error",
        "block_job",
        "disk_change",
        "tray_change",
        "pmwakeup",
        "pmsuspend",
        "balloon_change",
        "pmsuspend_disk",
        "device_removed",
        "block_job_2",
        "tunable",
        "agent_lifecycle",
        "device_added",
        "migration_iteration",
        "job_completed",
        "device_removal_failed",
        "metadata_change",
        "block_threshold",
        "memory_failure",
        "memory_device_size_change",
    ),
    "network": ("lifecycle", "metadata_change"),
    "storage_pool": ("lifecycle", "refresh"),
    "node_device": ("lifecycle", "update"),
    "secret": ("lifecycle", "value_changed"),
}
#: kind -> (family, event id)
KINDS = {f"{family}_event_{name}": (family, i) for family, names in FAMILIES.items() for i, name in enumerate(names)}

#: The kind of QEMU's own events, which are picked by name (driver.Connection.subscribe_monitor).
MONITOR = "qemu_domain_monitor_event"


def message(kind: str) -> procedures.Procedure:
    """The procedure that carries `kind` with the id of the callback it answers to, or without where that is the only
    form."""
    family, _, name = kind.partition("_event_")
    try:
        return procedures.lookup(f"{family}_event_callback_{name}")
    except KeyError:
        return procedures.lookup(kind)


def older(kind: str) -> "procedures.Procedure | None":
    """The procedure that carries `kind` without the id of a callback, to clients that know none; None where there is
    no such form."""
    try:
        found = procedures.lookup(kind)
    except KeyError:
        return None
    return None if any(field.name == "callback_id" for field in found.wire_args) else found


def fields(kind: str) -> list[procedures.Field]:
    """The fields of a kind's record, in wire order, whatever structures the message wraps them in."""
    result = []
    for field in message(kind).wire_args:
        if field.name == "msg":
            result += procedures.struct(field.type)
        elif field.name != "callback_id":
            result.append(field)
    return result


class Subscription:
    """One registered callback.

    `close()` ends it, and is harmless when repeated; a callback under way may still finish.
    """

    __slots__ = ("_close", "callback", "kind", "ref")

    def __init__(
        self, kind: str, ref: "Any", callback: "Callable[[Any], None]", close: "Callable[[Subscription], None]"
    ):
        self.kind = kind
        self.ref = ref
        self.callback = callback
        self._close: Callable[[Subscription], None] | None = close

    @property
    def open(self) -> bool:
        """Whether callbacks may still come."""
        return self._close is not None

    def close(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close(self)
