"""Secrets come and go, and what they are: `secret-define`, `secret-undefine`, `secret-list`, `secret-dumpxml`."""

from vsh.backends.constants import connect as flags
from vsh.backends.constants.secret import SECRET_DEFINE_VALIDATE
from vsh.backends.errors import NO_SUPPORT, VirtError

from ..declare import Data, Flag, command
from ..document import XPATH, checked, shown
from ..errors import CommandError, failing
from ..files import VALIDATE, read_file, xml_file
from ..results import Message, Table, Text
from .lookup import SECRET, facts, find_secret, secret_uuids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import SecretRef

    from ..context import Context

FILTERS = {
    "ephemeral": flags.CONNECT_LIST_SECRETS_EPHEMERAL,
    "no_ephemeral": flags.CONNECT_LIST_SECRETS_NO_EPHEMERAL,
    "private": flags.CONNECT_LIST_SECRETS_PRIVATE,
    "no_private": flags.CONNECT_LIST_SECRETS_NO_PRIVATE,
}


@command(
    "secret-define",
    group="secret",
    options=[xml_file("secret"), VALIDATE],
)
def define(ctx: "Context", file: str, validate: bool = False) -> Message:
    """Define a secret from a file: what it is for, and who may see it.

    Its value is set by secret-set-value. A secret that has the UUID of the file gets the new definition.
    """
    xml = read_file(file)
    with failing(f"Failed to set attributes from {file}"):
        ref = ctx.connection.secret_define_xml(xml, SECRET_DEFINE_VALIDATE * validate)
    return Message(f"Secret {facts(ref)['uuid']} created", secret=facts(ref), file=file)


@command(
    "secret-undefine",
    group="secret",
    options=[Data("secret", "the secret's UUID", empty=True, complete=secret_uuids)],
)
def undefine(ctx: "Context", secret: str) -> Message:
    """Forget a secret and its value."""
    ref = find_secret(ctx, secret)
    with failing(f"Failed to delete secret {secret}"):
        ctx.connection.secret_undefine(ref)
    return Message(f"Secret {secret} deleted", secret=facts(ref))


@command("secret-dumpxml", group="secret", options=[SECRET, *XPATH])
def dumpxml(ctx: "Context", secret: "SecretRef", xpath: "str | None" = None, wrap: bool = False) -> Text:
    """Show the XML definition of a secret, which does not tell its value."""
    checked(xpath)
    return shown(ctx, ctx.connection.secret_get_xml_desc(secret, 0), xpath, wrap)


@command(
    "secret-list",
    group="secret",
    options=[
        Flag("ephemeral", "only secrets that are kept in memory alone"),
        Flag("no-ephemeral", "only secrets that are stored"),
        Flag("private", "only secrets whose value nobody is told"),
        Flag("no-private", "only secrets whose value may be asked for"),
    ],
)
def list_secrets(ctx: "Context", **filters: bool) -> Table:
    """List secrets and what they are for."""
    try:
        refs = ctx.connection.connect_list_all_secrets(sum(FILTERS[chosen] for chosen in filters))
    except VirtError as error:
        if error.code != NO_SUPPORT:
            raise CommandError("Failed to list node secrets", error) from error
        if filters:
            raise CommandError("Filtering is not supported by this libvirt") from error
        refs = _by_lookup(ctx)
    rows, records = [], []
    for record in sorted((facts(ref) for ref in refs), key=lambda facts: str(facts["uuid"])):
        usage = f"{record['usage_type']} {record['usage_id'] or ''}"
        rows.append([str(record["uuid"]), "Unused" if record["usage_type"] == "none" else usage])
        records.append(record)
    return Table(["UUID", "Usage"], rows, records)


def _by_lookup(ctx: "Context") -> "list[SecretRef]":
    """The secrets of a driver without virConnectListAllSecrets."""
    from vsh.backends.xml.values import parse_uuid

    with failing("Failed to count secrets"):
        ctx.connection.connect_num_of_secrets()
    with failing("Failed to list secrets"):
        uuids = ctx.connection.connect_list_secrets()
    answers = ctx.connection.batch([("secret_lookup_by_uuid", (parse_uuid(uuid),)) for uuid in uuids])
    return [answer for answer in answers if not isinstance(answer, VirtError)]
