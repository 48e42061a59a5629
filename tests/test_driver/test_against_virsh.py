"""Figures of the default host as Debian's virsh prints them."""

import subprocess
import sys

import pytest

from tests.live.need import need
from vsh.backends import api

#: Modules that what a plain `list`, `dominfo` or `domstate` calls must not load.
HEAVY = {"lxml", "re", "json", "typing", "threading", "subprocess", "dataclasses", "enum", "socket", "logging"}
ONE_SHOT = """
import sys
before = set(sys.modules)
from vsh.backends import api
conn = api.open("test:///default")
for dom in conn.connect_list_all_domains(0):
    for call in ("get_state", "get_info", "get_os_type", "get_max_memory", "is_persistent",
                 "get_autostart", "has_managed_save_image", "get_security_label", "get_messages"):
        getattr(conn, f"domain_{call}")(dom)
conn.node_get_security_model()
conn.domain_lookup_by_name("test")
conn.close()
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def virsh(*argv: str) -> str:
    """What virsh prints for one command on the test host."""
    need("virsh")
    run = subprocess.run(
        ["virsh", "-q", "-c", "test:///default", *argv], capture_output=True, text=True, timeout=30, check=True
    )
    return run.stdout.strip()


def told(*argv: str) -> dict[str, str]:
    """The same, for commands that print `name: value` lines."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in virsh(*argv).splitlines())}


@pytest.fixture
def conn():  # type: ignore[no-untyped-def]
    connection = api.open("test:///default")
    yield connection
    connection.close()


def test_dominfo(conn: api.Connection) -> None:
    dom, wanted = conn.domain_lookup_by_name("test"), told("dominfo", "test")
    info = conn.domain_get_info(dom)
    assert wanted["Id"] == str(dom.id)
    assert wanted["UUID"].replace("-", "") == dom.uuid.hex()
    assert wanted["OS Type"] == conn.domain_get_os_type(dom)
    assert wanted["CPU(s)"] == str(info.nr_virt_cpu)
    assert wanted["Max memory"] == f"{info.max_mem} KiB"
    assert wanted["Used memory"] == f"{info.memory} KiB"
    assert abs(float(wanted["CPU time"][:-1]) - info.cpu_time / 1e9) < 60
    assert wanted["Security model"] == conn.node_get_security_model().model
    assert wanted["Security label"].startswith(conn.domain_get_security_label(dom).label)


def test_texts(conn: api.Connection) -> None:
    dom = conn.domain_lookup_by_name("test")
    assert virsh("dumpxml", "test") == conn.domain_get_xml_desc(dom, 0).strip()
    assert virsh("dumpxml", "--inactive", "test") == conn.domain_get_xml_desc(dom, 2).strip()
    assert virsh("capabilities") == conn.connect_get_capabilities().strip()
    assert virsh("sysinfo") == conn.connect_get_sysinfo(0).strip()
    assert virsh("hostname") == conn.connect_get_hostname()
    assert (
        virsh("net-dumpxml", "default") == conn.network_get_xml_desc(conn.network_lookup_by_name("default"), 0).strip()
    )
    pool = conn.storage_pool_lookup_by_name("default-pool")
    assert virsh("pool-dumpxml", "default-pool") == conn.storage_pool_get_xml_desc(pool, 0).strip()


def test_nodeinfo(conn: api.Connection) -> None:
    wanted, info = told("nodeinfo"), conn.node_get_info()
    assert wanted["CPU model"] == info.model
    assert wanted["CPU(s)"] == str(info.cpus)
    assert wanted["CPU frequency"] == f"{info.mhz} MHz"
    assert wanted["NUMA cell(s)"] == str(info.nodes)
    assert wanted["Memory size"] == f"{info.memory} KiB"
    assert virsh("maxvcpus") == str(conn.connect_get_max_vcpus(None))
    pages = [line.split()[-1] for line in virsh("freepages", "--all").splitlines() if "KiB:" in line]
    counts = [conn.node_get_free_pages([4, 8, 2048, 1048576], cell, 1, 0) for cell in (0, 1)]
    assert pages == [str(count) for cell in counts for count in cell]


def test_listing_and_inspecting_load_nothing_heavy() -> None:
    run = subprocess.run([sys.executable, "-c", ONE_SHOT], capture_output=True, text=True, timeout=30, check=True)
    loaded = set(run.stdout.split())
    assert "vsh.backends.test.driver" in loaded
    assert not loaded & HEAVY
    assert not any(name.startswith(("vsh.backends.xml", "vsh.backends.test.define")) for name in loaded)
