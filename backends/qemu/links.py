"""The host's network interfaces, by ip(8)."""

from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Finished
    from .driver import QemuDriver


def ip(driver: "QemuDriver", *argv: str) -> "Finished":
    """What came of `ip ARGV`. Raises VirtError where there is no such program."""
    try:
        return driver.host.run(["ip", *argv])
    except OSError as error:
        raise system_error(error, "ip") from None
