"""`secret-set-value`, `secret-get-value`: what a secret keeps."""

from ..declare import Data, Flag, Opt, command
from ..errors import CommandError, failing
from ..files import read_file
from ..results import Message, Text
from .lookup import SECRET, facts, find_secret, secret_uuids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import SecretRef

    from ..context import Context

#: The largest value virsh reads from a file, in bytes.
LIMIT = 1024
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def decode(text: bytes) -> bytes:
    """The bytes that base64 `text` stands for, read as virsh reads it: what is no digit is passed over, and so is what
    remains at the end."""
    out = bytearray()
    bits = count = padding = 0
    for char in text:
        if char == ord("="):
            padding += 1
            value = 0
        elif (value := BASE64.find(char)) < 0:
            continue
        bits, count = bits << 6 | value, count + 1
        if count == 4:
            out += bits.to_bytes(3, "big")[: 3 - min(padding, 2)]
            bits = count = padding = 0
    return bytes(out)


@command(
    "secret-set-value",
    group="secret",
    options=[
        Data("secret", "the secret's UUID", empty=True, complete=secret_uuids),
        Opt("file", "a file with the value", positional=False),
        Flag("plain", "the file holds the value itself, not its base64 form"),
        Flag("interactive", "ask for the value"),
        Opt("base64", "the value in base64; other users of the machine can see it", secret=True),
    ],
    exclusive=[
        ("file", "base64"),
        ("plain", "base64"),
        ("interactive", "base64"),
        ("interactive", "plain"),
        ("interactive", "file"),
    ],
)
def set_value(
    ctx: "Context",
    secret: str,
    file: "str | None" = None,
    plain: bool = False,
    interactive: bool = False,
    base64: "str | None" = None,
) -> Message:
    """Set the value of a secret."""
    ref = find_secret(ctx, secret)
    if base64 is not None:
        ctx.warn("Passing secret value as command-line argument is insecure!", "use --file or --interactive")
        value = base64.encode("utf-8", "surrogateescape")
    elif file is not None:
        value = read_file(file, LIMIT).encode("utf-8", "surrogateescape")
    elif interactive:
        value, plain = ctx.ask_secret("Enter new value for secret:").encode("utf-8", "surrogateescape"), True
    else:
        raise CommandError("Input secret value is missing")
    with failing("Failed to set secret value"):
        ctx.connection.secret_set_value(ref, value if plain else decode(value), 0)
    return Message("Secret value set", secret=facts(ref))


@command(
    "secret-get-value",
    group="secret",
    options=[SECRET, Flag("plain", "the value itself, not its base64 form")],
)
def get_value(ctx: "Context", secret: "SecretRef", plain: bool = False) -> Text:
    """Show the value of a secret."""
    import binascii

    value = ctx.connection.secret_get_value(secret, 0)
    text = binascii.b2a_base64(value, newline=False).decode()
    return Text(value.decode("utf-8", "surrogateescape") if plain else text, data={"base64": text})
