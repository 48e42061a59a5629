"""The secret that a command is about, by its UUID."""

from vsh.backends.errors import INVALID_ARG, VirtError

from ..declare import Data
from ..errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vsh.backends.records import SecretRef

    from ..context import Context

#: By virSecretUsageType.
USAGES = ("none", "volume", "ceph", "iscsi", "tls", "vtpm")


def find_secret(ctx: "Context", text: str) -> "SecretRef":
    """The secret with this UUID.

    Raises CommandError when there is none.
    """
    from vsh.backends.xml.values import parse_uuid

    if not text:
        raise CommandError("Failed to get option 'secret': Option argument is empty")
    try:
        found: SecretRef = ctx.connection.secret_lookup_by_uuid(parse_uuid(text))
    except ValueError:
        cause = VirtError(INVALID_ARG, "uuidstr in virSecretLookupByUUIDString must be a valid UUID")
    except VirtError as error:
        cause = error
    else:
        return found
    raise CommandError(f"failed to get secret '{text}'", cause, hint="'secret-list' shows the secrets")


def secret_uuids(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the UUIDs of all secrets."""
    return [facts(ref)["uuid"] for ref in ctx.connection.connect_list_all_secrets(0)]


SECRET = Data("secret", "the secret's UUID", empty=True, resolve=find_secret, complete=secret_uuids)


def facts(ref: "SecretRef") -> "dict[str, Any]":
    """A secret for machines: its UUID and what it is used for."""
    from vsh.backends.xml.values import format_uuid

    usage = USAGES[ref.usage_type] if 0 <= ref.usage_type < len(USAGES) else "unknown"
    return {"uuid": format_uuid(ref.uuid), "usage_type": usage, "usage_id": ref.usage_id or None}
