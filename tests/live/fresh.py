"""The test host of a daemon, as it begins."""

import time

from vsh.backends import api
from vsh.backends.errors import VirtError


def await_fresh(uri: str, timeout: float = 10) -> None:
    """Wait until the default test host that `uri` names is as it begins, with one domain, the first, which runs.

    A daemon lets go of it a moment after its last connection was closed. It may be that somebody has one: then this
    ends after `timeout` seconds, as it does for other hosts at once.
    """
    deadline = time.monotonic() + timeout
    while uri.startswith(("test+unix:///default", "test+tcp:")) and "/default" in uri and time.monotonic() < deadline:
        try:
            connection = api.open(uri)
        except VirtError:
            return
        try:
            if [domain.id for domain in connection.connect_list_all_domains(0)] == [1]:
                return
        except VirtError:
            return
        finally:
            connection.close()
