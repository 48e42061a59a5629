"""`vol-list`: the volumes in a storage pool."""

from vsh.backends.errors import VirtError

from ..declare import Flag, command
from ..errors import failing
from ..named import by_name
from ..results import Table
from ..sizes import pretty
from .lookup import ACTIVE_POOL, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import StoragePoolRef

    from ..context import Context


@command("vol-list", group="volume", options=[ACTIVE_POOL, Flag("details", "show their types and sizes")])
def list_volumes(ctx: "Context", pool: "StoragePoolRef", details: bool = False) -> Table:
    """List the volumes in a storage pool."""
    with failing("Failed to list volumes"):
        refs = sorted(ctx.connection.storage_pool_list_all_volumes(pool, 0), key=by_name)
    calls = ["storage_vol_get_path", *(["storage_vol_get_info"] if details else [])]
    answers = iter(ctx.connection.batch([(call, (ref,)) for ref in refs for call in calls]))
    rows, records = [], []
    for ref in refs:
        path = next(answers)
        record: dict[str, Any] = {"name": ref.name, "key": ref.key}
        record["path"] = None if isinstance(path, VirtError) else path
        row = [ref.name, record["path"] or "unknown"]
        if details:
            info = next(answers)
            known = None if isinstance(info, VirtError) else info
            sizes = [pretty(known.capacity), pretty(known.allocation)] if known else ["unknown"] * 2
            row += [type_name(known.type) if known else "unknown", *sizes]
            record["type"] = type_name(known.type) if known else None
            record["capacity_bytes"] = known.capacity if known else None
            record["allocation_bytes"] = known.allocation if known else None
        rows.append(row)
        records.append(record)
    return Table(["Name", "Path", *(["Type", "Capacity", "Allocation"] if details else [])], rows, records)
