"""What host and hypervisor can do: `capabilities`, `domcapabilities`, `maxvcpus`, `sysinfo`."""

from vsh.backends.errors import VirtError

from ..declare import Flag, Opt, command
from ..document import XPATH, checked, shown
from ..errors import failing
from ..results import Text
from .numa import tree_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lxml.etree import _Element

    from ..context import Context
    from ..declare import Completer

#: virConnectGetDomainCapabilities without CPU features that newer hosts lack (11.3).
NO_DEPRECATED_FEATURES = 1


def guest_values(path: str, attribute: str = "") -> "Completer":
    """For completion: what the host's capabilities have at `path` below its guests, in the text or an attribute."""

    def values(ctx: "Context", given: "dict[str, str]") -> "list[str]":
        found = tree_of(ctx.connection.connect_get_capabilities()).iterfind(f"guest/{path}")
        return list(dict.fromkeys((node.get(attribute) if attribute else node.text) or "" for node in found))

    return values


VIRTTYPE = Opt("virttype", "the kind of virtualization: kvm, qemu ...", complete=guest_values("arch/domain", "type"))
ARCH = Opt("arch", "the CPU architecture", complete=guest_values("arch", "name"))
MACHINE = Opt("machine", "the machine type", complete=guest_values("arch/machine"))


class Capabilities(Text):
    """The XML of capabilities; machines get the main facts beside it."""

    def data(self) -> "Any":
        root = tree_of(self._data["xml"])
        read = _host if root.tag == "capabilities" else _emulator
        return read(root) | self._data


def _host(root: "_Element") -> "dict[str, Any]":
    guests = [
        {
            "os_type": guest.findtext("os_type"),
            "arch": arch.get("name"),
            "emulator": arch.findtext("emulator"),
            "virt_types": [str(kind.get("type")) for kind in arch.iterfind("domain")],
        }
        for guest in root.iterfind("guest")
        for arch in guest.iterfind("arch")
    ]
    cells = [int(cell.get("id") or 0) for cell in root.iterfind("host/topology/cells/cell")]
    host = {"arch": root.findtext("host/cpu/arch"), "cpu_model": root.findtext("host/cpu/model"), "numa_cells": cells}
    return {"host": host, "guests": guests}


def _emulator(root: "_Element") -> "dict[str, Any]":
    limit = root.find("vcpu")
    modes = root.findall("cpu/mode[@supported='yes']")
    return {
        "emulator": root.findtext("path"),
        "virt_type": root.findtext("domain"),
        "machine": root.findtext("machine"),
        "arch": root.findtext("arch"),
        "max_vcpus": None if limit is None else int(limit.get("max") or 0),
        "cpu_modes": [str(mode.get("name")) for mode in modes],
    }


def _shown(ctx: "Context", xml: str, xpath: "str | None", wrap: bool) -> Text:
    return shown(ctx, xml, xpath, wrap) if xpath is not None else Capabilities(f"{xml}\n", {"xml": xml})


@command("capabilities", group="host", options=XPATH)
def capabilities(ctx: "Context", xpath: "str | None" = None, wrap: bool = False) -> Text:
    """Show what the host is and what guests it can run.

    As XML: CPU, NUMA topology, security models, and the emulators with their architectures and machine types.
    """
    checked(xpath)
    with failing("failed to get capabilities"):
        xml = ctx.connection.connect_get_capabilities()
    return _shown(ctx, xml, xpath, wrap)


@command(
    "domcapabilities",
    group="host",
    options=[
        VIRTTYPE,
        Opt("emulatorbin", "the path of the emulator", complete=guest_values("arch/emulator")),
        ARCH,
        MACHINE,
        *XPATH,
        Flag("disable-deprecated-features", "host-model without CPU features that newer hosts lack"),
    ],
)
def domcapabilities(
    ctx: "Context",
    virttype: "str | None" = None,
    emulatorbin: "str | None" = None,
    arch: "str | None" = None,
    machine: "str | None" = None,
    xpath: "str | None" = None,
    wrap: bool = False,
    disable_deprecated_features: bool = False,
) -> Text:
    """Show what guests of one kind can have.

    As XML: firmware, CPU modes and models, devices and their variants. The hypervisor chooses what is not given.
    """
    checked(xpath)
    flags = NO_DEPRECATED_FEATURES * disable_deprecated_features
    with failing("failed to get emulator capabilities"):
        xml = ctx.connection.connect_get_domain_capabilities(emulatorbin, arch, machine, virttype, flags)
    return _shown(ctx, xml, xpath, wrap)


@command("maxvcpus", group="host", options=[Opt("type", "the kind of virtualization: kvm, qemu ...",
                                                complete=guest_values("arch/domain", "type"))])  # fmt: skip
def maxvcpus(ctx: "Context", type: "str | None" = None) -> Text:
    """Show how many virtual CPUs a guest can have."""
    found = None
    try:
        limit = tree_of(ctx.connection.connect_get_domain_capabilities(None, None, None, type, 0)).find("vcpu")
        if limit is not None and (limit.get("max") or "").isdecimal():
            found = int(str(limit.get("max")))
    except VirtError:
        pass  # an older driver
    if found is None:
        found = ctx.connection.connect_get_max_vcpus(type)
    return Text(f"{found}\n", data={"max_vcpus": found})


@command("sysinfo", group="host")
def sysinfo(ctx: "Context") -> Text:
    """Show what the host's firmware tells of it: vendor, version, serial numbers, as XML."""
    with failing("failed to get sysinfo"):
        xml = ctx.connection.connect_get_sysinfo(0)
    return Text(xml, data={"xml": xml})
