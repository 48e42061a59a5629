"""The test host of a daemon, as it begins."""

import time

from vsh.backends import api
from vsh.backends.errors import VirtError


def await_fresh(uri: str, timeout: float = 10) -> None:
    """Wait until the default test host of a daemon, if `uri` names one, is as it begins.

    A daemon lets go of it a moment after its last connection was closed. Where somebody holds it, this ends after
    `timeout` seconds.
    """
    if not uri.startswith(("test+unix:", "test+tcp:")) or "/default" not in uri:
        return
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            connection = api.open(uri)
        except VirtError:
            return
        try:
            if untouched(connection):
                return
        finally:
            connection.close()


def untouched(connection: api.Connection) -> bool:
    """Whether the default test host is as it begins, with one domain, the first, which runs; true as well of what
    cannot list its domains."""
    try:
        return [domain.id for domain in connection.connect_list_all_domains(0)] == [1]
    except VirtError:
        return True
