"""`send-key`, `send-process-signal` and `inject-nmi`: what a guest gets from outside."""

from ..declare import Argv, Data, Int, Opt, command
from ..errors import CommandError
from ..results import Done
from .lookup import ACTIVE, Domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: By virKeycodeSet; the last has an older name too.
CODESETS = ("linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum")
OLDER = {"rfb": "qnum"}
#: VIR_DOMAIN_SEND_KEY_MAX_KEYS.
MOST_KEYS = 16
#: By virDomainProcessSignal.
SIGNALS = (
    *[
        "nop",
        "hup",
        "int",
        "quit",
        "ill",
        "trap",
        "abrt",
        "bus",
        "fpe",
        "kill",
        "usr1",
        "segv",
        "usr2",
        "pipe",
        "alrm",
        "term",
        "stkflt",
        "chld",
        "cont",
        "stop",
        "tstp",
        "ttin",
    ],
    *["ttou", "urg", "xcpu", "xfsz", "vtalrm", "prof", "winch", "poll", "pwr", "sys"],
    *(f"rt{number}" for number in range(33)),
)


def key_names(ctx: "Context", given: "dict[str, str]") -> "list[str]":
    """For completion: the names of the keys in the code set that was typed."""
    from .keys import NAMES

    return list(NAMES.get(given.get("codeset") or "linux", ()))


@command(
    "send-key",
    group="domain",
    options=[
        Domain(ACTIVE),
        Opt(
            "codeset",
            "what the numbers and names are of: linux (the default), xt, usb, win32 ...",
            positional=False,
            empty=True,
            complete=lambda ctx, given: CODESETS,
        ),
        Int("holdtime", "hold the keys for so many milliseconds", least=0, most=2**32 - 1, positional=False),
        Argv("keycode", "names or numbers of keys, which are pressed together", required=True, complete=key_names),
    ],
)
def send_key(ctx: "Context", domain: "DomainRef", keycode: "list[str]", codeset: str = "", holdtime: int = 0) -> Done:
    """Press keys on the keyboard of a running domain.

    send-key web KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE, say. At most 16 keys at once.
    """
    codeset = OLDER.get(codeset, codeset) or "linux"
    if codeset not in CODESETS:
        raise CommandError(f"unknown codeset: '{codeset}'")
    codes: list[int] = []
    for word in keycode:
        if len(codes) == MOST_KEYS:
            raise CommandError("too many keycodes")
        codes.append(_code(codeset, word))
    ctx.connection.domain_send_key(domain, CODESETS.index(codeset), holdtime, codes, 0)
    return Done(codeset=codeset, keycodes=codes, hold_milliseconds=holdtime)


def _code(codeset: str, word: str) -> int:
    from vsh.backends.xml.values import c_int

    from .keys import NAMES

    try:
        return c_int(word, 0, low=0, high=0xFFFF)
    except ValueError:
        pass
    code = NAMES.get(codeset, {}).get(word)
    if code is None:
        raise CommandError(f"invalid keycode: '{word}'")
    return code


class Word(Int):
    """A whole number that virsh declares, and explains, as any word."""

    kind = "data"
    value = "string"


@command(
    "send-process-signal",
    group="domain",
    options=[
        Domain(ACTIVE),
        Word("pid", "the process, by its number in the guest", least=-(2**63), most=2**63 - 1, required=True),
        Data("signame", "the signal: TERM, SIGTERM, sig_term or 15", complete=lambda ctx, given: SIGNALS),
    ],
)
def send_process_signal(ctx: "Context", domain: "DomainRef", pid: int, signame: str) -> Done:
    """Send a signal to a process in the guest.

    A negative number means a group of processes. Containers have that.
    """
    number = _signal(signame)
    ctx.connection.domain_send_process_signal(domain, pid, number, 0)
    return Done(pid=pid, signal=number)


def _signal(text: str) -> int:
    from vsh.backends.xml.values import c_int

    name = text.lower()
    try:
        number = c_int(name, low=-(2**31), high=2**31 - 1)
    except ValueError:
        name = name.removeprefix("sig_") if name.startswith("sig_") else name.removeprefix("sig")
        number = SIGNALS.index(name) if name in SIGNALS else -1
    if number < 0:
        raise CommandError(f"malformed signal name: {text}")
    return number


@command("inject-nmi", group="domain", options=[Domain(ACTIVE)])
def inject_nmi(ctx: "Context", domain: "DomainRef") -> Done:
    """Send a running domain a non-maskable interrupt.

    Guests that are set up so write a crash dump then.
    """
    ctx.connection.domain_inject_nmi(domain, 0)
    return Done()
