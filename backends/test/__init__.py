"""The test host: libvirt's test driver (`test:///default`, `test:///PATH.xml`) inside this process.

It shows and refuses what libvirt's shows and refuses, with the same data, codes and texts, and needs nothing installed.
Connections to `test:///default` share one host, which is dropped with the last of them.
"""

from .driver import TestDriver

__all__ = ["TestDriver"]
