"""`dominfo`: the main facts about one domain."""

from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import command
from ..domain.lookup import DOMAIN, facts
from ..domain.states import snake, state_name
from ..results import Pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vsh.backends.records import DomainGetInfo, DomainRef

    from ..context import Context

#: What hypervisors say when memory is not limited.
NO_LIMIT = 2**32 - 1


@command("dominfo", group="monitor", options=[DOMAIN])
def dominfo(ctx: "Context", domain: "DomainRef") -> "Iterator[Pairs]":
    """Show basic facts about a domain.

    Its identity, state, CPUs, memory, whether it outlives a shutdown and starts with the host, its security label, and
    what the hypervisor warns about.
    """
    os_type, info, persistent, autostart, saved, model, label, messages = ctx.connection.batch(
        [
            ("domain_get_os_type", (domain,)),
            ("domain_get_info", (domain,)),
            ("domain_is_persistent", (domain,)),
            ("domain_get_autostart", (domain,)),
            ("domain_has_managed_save_image", (domain, 0)),
            ("node_get_security_model", ()),
            ("domain_get_security_label", (domain,)),
            ("domain_get_messages", (domain, 0)),
        ]
    )
    data: dict[str, Any] = {"id": None if domain.id < 0 else domain.id, **facts(domain)}
    rows = [("Id:", "-" if domain.id < 0 else str(domain.id)), ("Name:", domain.name), ("UUID:", data["uuid"])]
    failure = None
    if not isinstance(os_type, VirtError):
        rows.append(("OS Type:", os_type))
        data["os_type"] = os_type
    if isinstance(info, VirtError):
        failure = info
    else:
        rows += _usage(info, data)
    rows.append(("Persistent:", _answer(persistent, "yes", "no")))
    data["persistent"] = _truth(persistent)
    if not isinstance(autostart, VirtError):
        rows.append(("Autostart:", _answer(autostart, "enable", "disable")))
        data["autostart"] = bool(autostart)
    rows.append(("Managed save:", _answer(saved, "yes", "no")))
    data["managed_save"] = _truth(saved)

    error = _security(model, label, rows, data)
    if error is None:
        _messages(messages, rows, data)
    yield Pairs(rows, data)
    if error or failure:
        raise error or failure  # type: ignore[misc]


def _usage(info: "DomainGetInfo", data: "dict[str, Any]") -> "Iterator[tuple[str, str]]":
    limit = None if info.max_mem == NO_LIMIT else info.max_mem
    state = state_name(info.state)
    data["state"] = snake(state)
    data["cpus"] = info.nr_virt_cpu
    data["cpu_time_seconds"] = info.cpu_time / 1e9
    data["max_memory_bytes"] = None if limit is None else limit * 1024
    data["used_memory_bytes"] = info.memory * 1024
    yield "State:", state
    yield "CPU(s):", str(info.nr_virt_cpu)
    if info.cpu_time:
        yield "CPU time:", f"{info.cpu_time / 1e9:.1f}s"
    yield "Max memory:", "no limit" if limit is None else f"{limit} KiB"
    yield "Used memory:", f"{info.memory} KiB"


def _answer(value: "int | VirtError", yes: str, no: str) -> str:
    return "unknown" if isinstance(value, VirtError) else yes if value else no


def _truth(value: "int | VirtError") -> "bool | None":
    return None if isinstance(value, VirtError) else bool(value)


def _security(model: "Any", label: "Any", rows: "list[tuple[str, str]]", data: "dict[str, Any]") -> "VirtError | None":
    """Add what is known of the security model; the error that ends the command, if there is one."""
    data["security"] = None
    if isinstance(model, VirtError):
        return None if model.code == NO_SUPPORT else model
    if not model.model:
        return None
    rows += [("Security model:", model.model), ("Security DOI:", model.doi)]
    data["security"] = {"model": model.model, "doi": model.doi, "label": None, "enforcing": None}
    if isinstance(label, VirtError):
        return label
    if label.label:
        rows.append(("Security label:", f"{label.label} ({'enforcing' if label.enforcing else 'permissive'})"))
        data["security"] |= {"label": label.label, "enforcing": bool(label.enforcing)}
    return None


def _messages(messages: "list[str] | VirtError", rows: "list[tuple[str, str]]", data: "dict[str, Any]") -> None:
    data["messages"] = [] if isinstance(messages, VirtError) else messages
    for i, message in enumerate(data["messages"]):
        rows.append(("" if i else "Messages:", message))
