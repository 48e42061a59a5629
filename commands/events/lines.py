"""What is said of each kind of domain event: virsh's line and the same for machines."""

from ..domain.lookup import facts
from ..domain.states import snake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Fields = dict[str, Any]
    Told = tuple[str, Fields]

#: By virDomainEventType: the event, and its details by number.
LIFECYCLE = (
    ("Defined", ("Added", "Updated", "Renamed", "Snapshot")),
    ("Undefined", ("Removed", "Renamed")),
    ("Started", ("Booted", "Migrated", "Restored", "Snapshot", "Event wakeup")),
    (
        "Suspended",
        (
            "Paused",
            "Migrated",
            "I/O Error",
            "Watchdog",
            "Restored",
            "Snapshot",
            "API error",
            "Post-copy",
            "Post-copy Error",
        ),
    ),
    ("Resumed", ("Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error")),
    ("Stopped", ("Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot")),
    ("Shutdown", ("Finished", "Finished after guest request", "Finished after host request")),
    ("PMSuspended", ("Memory", "Disk")),
    ("Crashed", ("Panicked", "Crashloaded")),
)
WATCHDOG = ("none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi")
IO_ERROR = ("none", "pause", "report")
PHASES = ("connect", "initialize", "disconnect")
FAMILIES = ("IPv4", "IPv6", "unix")
JOBS = ("Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup")
JOB_STATES = ("completed", "failed", "canceled", "ready")
DISK_CHANGES = ("changed", "dropped")
TRAY_CHANGES = ("opened", "closed")
AGENT_STATES = ("unknown", "connected", "disconnected")
AGENT_REASONS = ("unknown", "domain started", "channel event")
METADATA = ("description", "title", "element")
RECIPIENTS = ("hypervisor", "guest")
ACTIONS = ("ignore", "inject", "fatal", "reset")
ACTION_REQUIRED, RECURSIVE = 1, 2


def tell(name: str, event: "Any") -> "Told":
    """The lines for an event of the kind that virsh calls `name`, and its fields for machines."""
    describe = DESCRIPTIONS.get(name)
    tail, fields = describe(event) if describe else ("", {})
    return (
        f"event '{name}' for domain '{event.dom.name}'{tail}\n",
        {"event": snake(name), "domain": facts(event.dom), **fields},
    )


def word(words: "Sequence[str]", number: int, other: str = "unknown") -> str:
    """The word for `number`, `other` for one that is not known."""
    return words[number] if 0 <= number < len(words) else other


def _lifecycle(event: "Any") -> "Told":
    kind, details = LIFECYCLE[event.event] if 0 <= event.event < len(LIFECYCLE) else ("unknown", ())
    detail = word(details, event.detail)
    return f": {kind} {detail}", {"type": snake(kind), "detail": snake(detail)}


def _rtc_change(event: "Any") -> "Told":
    return f": {event.offset}", {"offset_seconds": event.offset}


def _watchdog(event: "Any") -> "Told":
    action = word(WATCHDOG, event.action)
    return f": {action}", {"action": snake(action)}


def _io_error(event: "Any") -> "Told":
    action = word(IO_ERROR, event.action)
    fields = {"path": event.src_path, "device": event.dev_alias, "action": action}
    return f": {event.src_path} ({event.dev_alias}) {action}", fields


def _io_error_reason(event: "Any") -> "Told":
    tail, fields = _io_error(event)
    return f"{tail} due to {event.reason}", {**fields, "reason": event.reason}


def _graphics(event: "Any") -> "Told":
    phase = word(PHASES, event.phase)
    ends = {
        name: {"family": word(FAMILIES, end.family), "node": end.node, "service": end.service}
        for name, end in (("local", event.local), ("remote", event.remote))
    }
    addresses = " ".join(f"{name}[{' '.join(end.values())}]" for name, end in ends.items())
    tail = f": {phase} {addresses} {event.auth_scheme}"
    tail += "".join(f"\n\t{identity.type}={identity.name}" for identity in event.subject)
    subject = [{"type": identity.type, "name": identity.name} for identity in event.subject]
    return tail, {"phase": phase, **ends, "auth_scheme": event.auth_scheme, "subject": subject}


def _block_job(event: "Any") -> "Told":
    disk = event[1]  # `path`, or `dst` in block-job-2
    job, status = word(JOBS, event.type, JOBS[0]), word(JOB_STATES, event.status)
    return f": {job} for {disk} {status}", {"disk": disk, "job": snake(job), "status": status}


def _disk_change(event: "Any") -> "Told":
    reason = word(DISK_CHANGES, event.reason)
    tail = f" disk {event.dev_alias}: {_or_null(event.old_src_path)} -> {_or_null(event.new_src_path)}: {reason}"
    fields = {"device": event.dev_alias, "old_path": event.old_src_path, "new_path": event.new_src_path}
    return tail, {**fields, "reason": reason}


def _tray_change(event: "Any") -> "Told":
    reason = word(TRAY_CHANGES, event.reason)
    return f" disk {event.dev_alias}: {reason}", {"device": event.dev_alias, "reason": reason}


def _balloon_change(event: "Any") -> "Told":
    return f": {event.actual}KiB", {"memory_bytes": event.actual * 1024}


def _device(event: "Any") -> "Told":
    return f": {event.dev_alias}", {"device": event.dev_alias}


def _params(event: "Any") -> "Told":
    values = {name: value for name, _, value in event.params.items}
    return ":" + "".join(f"\n\t{name}: {_shown(value)}" for name, value in values.items()), {"params": values}


def _shown(value: "int | float | str") -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _agent_lifecycle(event: "Any") -> "Told":
    state = word(AGENT_STATES, event.state, UNSUPPORTED)
    reason = word(AGENT_REASONS, event.reason, UNSUPPORTED)
    return f": state: '{state}' reason: '{reason}'", {"state": snake(state), "reason": snake(reason)}


def _migration_iteration(event: "Any") -> "Told":
    return f": iteration: '{event.iteration}'", {"iteration": event.iteration}


def _metadata_change(event: "Any") -> "Told":
    kind = word(METADATA, event.type, UNSUPPORTED)
    return f": type {kind}, uri {_or_null(event.nsuri)}", {"type": snake(kind), "uri": event.nsuri}


def _block_threshold(event: "Any") -> "Told":
    tail = f": dev: {event.dev}({_or_null(event.path)}) {event.threshold} {event.excess}"
    fields = {"device": event.dev, "path": event.path}
    return tail, {**fields, "threshold_bytes": event.threshold, "excess_bytes": event.excess}


def _memory_failure(event: "Any") -> "Told":
    recipient, action = word(RECIPIENTS, event.recipient, UNSUPPORTED), word(ACTIONS, event.action, UNSUPPORTED)
    required, recursive = bool(event.flags & ACTION_REQUIRED), bool(event.flags & RECURSIVE)
    tail = f":\nrecipient: {recipient}\naction: {action}\nflags:"
    tail += f"\n\taction required: {required:d}\n\trecursive: {recursive:d}"
    fields = {"recipient": snake(recipient), "action": snake(action)}
    return tail, {**fields, "action_required": required, "recursive": recursive}


def _memory_device_size_change(event: "Any") -> "Told":
    return f":\nalias: {event.alias}\nsize: {event.size}", {"device": event.alias, "size_bytes": event.size * 1024}


def _or_null(text: "str | None") -> str:
    return "<null>" if text is None else text


UNSUPPORTED = "unsupported value"
#: By virsh's name of the kind: what stands after the domain's name, and the fields. Kinds without details are missing.
DESCRIPTIONS: "dict[str, Callable[[Any], Told]]" = {
    "lifecycle": _lifecycle,
    "rtc-change": _rtc_change,
    "watchdog": _watchdog,
    "io-error": _io_error,
    "graphics": _graphics,
    "io-error-reason": _io_error_reason,
    "block-job": _block_job,
    "disk-change": _disk_change,
    "tray-change": _tray_change,
    "balloon-change": _balloon_change,
    "device-removed": _device,
    "block-job-2": _block_job,
    "tunable": _params,
    "agent-lifecycle": _agent_lifecycle,
    "device-added": _device,
    "migration-iteration": _migration_iteration,
    "job-completed": _params,
    "device-removal-failed": _device,
    "metadata-change": _metadata_change,
    "block-threshold": _block_threshold,
    "memory-failure": _memory_failure,
    "memory-device-size-change": _memory_device_size_change,
}
