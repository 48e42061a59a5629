"""The test host of a daemon, as it begins."""

import time
from typing import Any

from vsh.backends import api
from vsh.backends.errors import VirtError

INACTIVE = 2  # a flag of domain_get_xml_desc
BEGINNINGS: dict[type, str] = {}  # how it was seen first, by the kind of connection


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
    """Whether the default test host is as it begins, which is how this process saw it first; true as well of what
    cannot list its domains."""
    calls: list[tuple[str, tuple[Any, ...]]] = []
    lists = ("domains", "networks", "storage_pools", "interfaces", "node_devices")
    try:
        found = connection.batch([(f"connect_list_all_{name}", (0,)) for name in lists])
    except VirtError:
        return True
    if any(isinstance(objects, VirtError) for objects in found):
        return True
    domains, networks, pools, *_ = found
    for domain in domains:
        calls += [("domain_get_xml_desc", (domain, flags)) for flags in (0, INACTIVE)]
        questions = ("get_state", "has_managed_save_image", "list_all_snapshots", "list_all_checkpoints")
        calls += [(f"domain_{question}", (domain, 0)) for question in questions]
        calls.append(("domain_get_autostart", (domain,)))
    for network in networks:
        calls += [("network_get_xml_desc", (network, 0)), ("network_is_active", (network,))]
    for pool in pools:
        calls += [("storage_pool_get_xml_desc", (pool, 0)), ("storage_pool_get_info", (pool,))]
        calls.append(("storage_pool_list_all_volumes", (pool, 0)))
    seen = repr(([sorted(map(str, objects)) for objects in found], connection.batch(calls)))
    return seen == BEGINNINGS.setdefault(type(connection.session), seen)
