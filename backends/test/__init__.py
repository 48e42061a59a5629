"""The test host: libvirt's test driver (`test:///default`, `test:///PATH.xml`) inside this process.

It shows and refuses what libvirt's shows and refuses, with the same data, codes and texts, and needs nothing installed.
Connections to `test:///default` share one host, which is dropped with the last of them.

Tests of programs that use vsh can have hosts of their own, of which nothing outlasts the test:

    from vsh.backends import api
    from vsh.backends.test import private_host

    session = private_host("<node><domain type='test'>...</domain></node>")
    connection = api.Connection(session)
    second = api.Connection(session.driver.connect(readonly=True))

`private_host()` gives one like the default host; hostfile.py tells what a host may consist of.
"""

from .driver import TestDriver, private_host

__all__ = ["TestDriver", "private_host"]
