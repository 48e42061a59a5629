"""Merging images of running domains."""

from .. import errors
from .base import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .driver import QemuDriver
    from .guests import Guest


def merge_live(driver: "QemuDriver", guest: "Guest", target: str, upper: str, lower: str) -> None:
    raise fail(errors.OPERATION_UNSUPPORTED, f"disk '{target}' stands on '{lower}': shut the domain off first")
