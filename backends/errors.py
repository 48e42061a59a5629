"""Errors, with libvirt's codes, domains and texts.

The numbers are libvirt's virErrorNumber and virErrorDomain (virterror.h); the texts are what libvirt puts before an
error's detail.
"""

from .constants.errors import *  # noqa: F403 - the codes are part of this module's face
from .constants.errors import INTERNAL_ERROR, NO_SUPPORT, OPERATION_DENIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .records import DomainRef, NetworkRef

#: code -> the text without detail; with one, the text is "TEXT: DETAIL", unless a second form stands after the bar.
MESSAGES = {
    0: "",
    1: "internal error",
    2: "out of memory",
    3: "this function is not supported by the connection driver",
    4: "unknown host|unknown host %s",
    5: "no connection driver available|no connection driver available for %s",
    6: "invalid connection pointer in|invalid connection pointer in %s",
    7: "invalid domain pointer in|invalid domain pointer in %s",
    8: "invalid argument",
    9: "operation failed",
    10: "GET operation failed",
    11: "POST operation failed",
    12: "got unknown HTTP error code|got unknown HTTP error code %s",
    13: "failed to serialize S-Expr",
    14: "could not use Xen hypervisor entry|could not use Xen hypervisor entry %s",
    15: "failed Xen syscall|failed Xen syscall %s",
    16: "unknown OS type|unknown OS type %s",
    17: "missing kernel information",
    18: "missing root device information|missing root device information in %s",
    19: "missing source information for device|missing source information for device %s",
    20: "missing target information for device|missing target information for device %s",
    21: "missing name information|missing name information in %s",
    22: "missing operating system information|missing operating system information for %s",
    23: "missing devices information|missing devices information for %s",
    24: "could not connect to Xen Store|could not connect to Xen Store %s",
    25: "too many drivers registered|too many drivers registered in %s",
    26: "library call failed",
    27: "XML description is invalid or not well formed|XML error: %s",
    28: "this domain exists already|domain %s exists already",
    29: "operation forbidden for read only access|operation forbidden: %s",
    30: "failed to open configuration file|failed to open configuration file %s",
    31: "failed to read configuration file|failed to read configuration file %s",
    32: "failed to parse configuration file|failed to parse configuration file %s",
    33: "configuration file syntax error",
    34: "failed to write configuration file",
    35: "parser error|%s",
    36: "invalid network pointer in|invalid network pointer in %s",
    37: "this network exists already|network %s exists already",
    38: "system call error|%s",
    39: "RPC error|%s",
    40: "GNUTLS call error|%s",
    42: "Domain not found",
    43: "Network not found",
    44: "invalid MAC address",
    45: "authentication failed",
    46: "invalid storage pool pointer in|invalid storage pool pointer in %s",
    47: "invalid storage volume pointer in|invalid storage volume pointer in %s",
    49: "Storage pool not found",
    50: "Storage volume not found",
    52: "invalid node device pointer|invalid node device pointer in %s",
    53: "Node device not found",
    54: "Security model not found",
    55: "Requested operation is not valid",
    57: "Interface not found",
    58: "invalid interface pointer in|invalid interface pointer in %s",
    59: "multiple matching interfaces found",
    61: "Invalid network filter",
    62: "Network filter not found",
    63: "Error while building firewall",
    65: "Invalid secret",
    66: "Secret not found",
    67: "unsupported configuration",
    68: "Timed out during operation",
    69: "Failed to make domain persistent after migration",
    70: "Hook script execution failed",
    71: "Invalid domain snapshot",
    72: "Domain snapshot not found",
    73: "invalid stream pointer|invalid stream pointer in %s",
    74: "argument unsupported",
    75: "Storage pool probe failed",
    76: "Storage pool already built",
    77: "revert requires force",
    78: "operation aborted",
    79: "authentication cancelled",
    80: "metadata not found",
    81: "Unsafe migration",
    82: "numerical overflow",
    83: "block copy still active",
    84: "Operation not supported",
    85: "SSH transport error",
    86: "Guest agent is not responding",
    87: "resource busy",
    88: "access denied",
    89: "error from service",
    90: "this storage volume exists already|storage volume %s exists already",
    91: "the CPU is incompatible with host CPU",
    92: "XML document failed to validate against schema",
    93: "migration successfully aborted",
    94: "authentication unavailable",
    95: "Server not found",
    96: "Client not found",
    97: "guest agent replied with wrong id to guest-sync command",
    98: "libssh transport error",
    99: "device not found",
    100: "Invalid network filter binding",
    101: "Network filter binding not found",
    102: "Invalid domain checkpoint",
    103: "Domain checkpoint not found",
    104: "Domain backup job id not found",
    105: "Invalid network port pointer",
    106: "this network port exists already|network port %s exists already",
    107: "network port not found",
    108: "no hostname found",
    109: "checkpoint inconsistent",
    110: "multiple matching domains found",
    111: "network metadata not found",
    112: "guest agent command timed out",
    113: "guest agent command failed",
}


class Outdated(BaseException):
    """What was presumed is not so (driver.Connection.presume): begin again. Nobody but who does that may catch it."""


class VirtError(Exception):
    """A failed call, as libvirt describes one.

    `message` is what users read. `code` and `domain` are virErrorNumber and virErrorDomain, `level` virErrorLevel;
    `dom`, `net`, `str1` to `str3`, `int1` and `int2` are the other fields of the protocol's remote_error. `hint`, vsh's
    own, says what to do about it.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        domain: int = 0,
        level: int = 2,
        dom: "DomainRef | None" = None,
        net: "NetworkRef | None" = None,
        str1: "str | None" = None,
        str2: "str | None" = None,
        str3: "str | None" = None,
        int1: int = -1,
        int2: int = -1,
        hint: str = "",
    ):
        super().__init__(message)
        self.code = code
        self.message = message
        self.domain = domain
        self.level = level
        self.dom = dom
        self.net = net
        self.str1, self.str2, self.str3 = str1, str2, str3
        self.int1, self.int2 = int1, int2
        self.hint = hint

    def __str__(self) -> str:
        return self.message


#: What libvirt says of a failure that nothing explained.
UNKNOWN = "An error occurred, but the cause is unknown"


def text(code: int, detail: "str | None" = None) -> str:
    """Libvirt's text for `code`, with `detail` where there is one."""
    plain, bar, full = MESSAGES.get(code, MESSAGES[INTERNAL_ERROR]).partition("|")
    if detail is None:
        return plain
    return full.replace("%s", detail) if bar else f"{plain}: {detail}"


def virt_error(code: int, detail: "str | None" = None, *, domain: int = 0, hint: str = "") -> VirtError:
    """The error libvirt raises for `code` and `detail`."""
    return VirtError(code, text(code, detail), domain=domain, str1=text(code), str2=detail, hint=hint)


def no_support(api: str) -> VirtError:
    """What every call raises that a driver does not have; `api` is the public function's name."""
    return virt_error(NO_SUPPORT, api)


def read_only(api: str) -> VirtError:
    """What a call that changes something raises on a read-only connection."""
    return virt_error(OPERATION_DENIED, f"read only access prevents {api}")
