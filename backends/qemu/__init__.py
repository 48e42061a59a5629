"""QEMU and KVM without a daemon: guests started and managed by the processes that ask for it.

`qemu:///embed?root=/abs/dir`, `qemu:///session?mode=direct`, `qemu:///system?mode=direct`; see places.py.
"""

from .driver import QemuDriver

__all__ = ["QemuDriver"]
