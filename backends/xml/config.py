"""What differs between drivers when they read a domain: defaults, abilities, and a hook for each device.

Names of abilities are libvirt's VIR_DOMAIN_DEF_FEATURE_*.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .devices import Video
    from .domain import Domain
    from .engine import Context


class ParseConfig:
    """A driver's rules. Drivers override attributes and methods."""

    #: the architecture of a domain that names none; "" is the host's
    arch = ""
    #: prefix of generated MAC addresses
    mac_prefix = bytes.fromhex("525400")
    #: (prefix, URI) of the driver's own namespace below <domain>, read but not written back unless `keep_namespace`
    namespace: tuple[str, str] | None = None
    keep_namespace = False
    memory_hotplug = False
    #: whether NUMA cells and memory devices say how much memory there is, whatever <memory> says
    memory_from_cells = False
    offline_vcpu_pinning = False
    individual_vcpus = False
    user_aliases = False
    firmware_autoselect = False
    any_net_model = False
    name_with_slash = False
    disk_fds = False
    wide_scsi = False
    #: what is read was written by this driver: controllers stay in the order in which they were added
    stored = False
    #: the security model of a <seclabel> that names none
    security_model: str | None = None

    def default_arch(self) -> str:
        machine = os.uname().machine
        return self.arch or {"i386": "i686", "i486": "i686", "i586": "i686", "amd64": "x86_64", "arm64": "aarch64"}.get(
            machine, machine
        )

    def default_video(self, domain: Domain, video: Video) -> str:
        """The model of a <video> that names none; "" is refused."""
        return ""

    def complete_domain(self, domain: Domain, context: Context) -> None:
        """Fill in what the driver fills in before devices are looked at: emulator, machine, devices of its own."""

    def complete_devices(self, domain: Domain, context: Context) -> None:
        """Fill in the devices' defaults that are the driver's."""

    def assign_addresses(self, domain: Domain, context: Context) -> None:
        """Give addresses to devices without one, and add the controllers they need. The last step."""

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def new_uuid(self) -> bytes:
        """A random UUID as RFC 4122 wants it, as libvirt's virUUIDGenerate makes it."""
        raw = bytearray(self.random_bytes(16))
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        return bytes(raw)

    def new_mac(self) -> bytes:
        return self.mac_prefix + self.random_bytes(3)


class TestConfig(ParseConfig):
    """libvirt's test driver (src/test/test_driver.c, testDriverNew): an i686 host that accepts nearly everything."""

    __test__ = False  # not a pytest class

    arch = "i686"
    namespace = ("test", "http://libvirt.org/schemas/domain/test/1.0")
    memory_hotplug = True
    offline_vcpu_pinning = True
    individual_vcpus = True
    user_aliases = True
    firmware_autoselect = True
    any_net_model = True

    def default_video(self, domain: Domain, video: Video) -> str:
        if domain.os.type in ("xen", "linux"):
            return "xen"
        return "vga" if domain.os.arch in ("ppc64", "ppc64le") else "cirrus"
