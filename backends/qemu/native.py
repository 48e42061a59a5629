"""Domains as command lines, for people to read."""

from .. import errors
from . import definitions
from .base import QemuBase, call, fail

FORMAT = "qemu-argv"


class NativeCalls(QemuBase):
    """Domains as command lines."""

    @call("qemuConnectDomainXMLToNative")
    def connect_domain_xml_to_native(self, native_format: str, domain_xml: str, flags: int = 0) -> str:
        import shlex

        from ..xml.graphics import Spice
        from .argv import build
        from .argv.memory import align
        from .host import sev
        from .host.firmware import choose
        from .host.guestcpu import settle
        from .readying import environment, launch
        from .storage.disks import locate

        if native_format != FORMAT:
            raise fail(errors.INVALID_ARG, f"unsupported config type {native_format}")
        domain = definitions.read(self.driver, domain_xml)
        choose(self.driver, domain)
        settle(self.driver, domain, compare=False)
        sev.settle(self.driver, domain)
        align(domain)
        for graphics in domain.devices.graphics:
            if isinstance(graphics, Spice) and graphics.autoport:
                graphics.port = 5901  # one is chosen when it starts
        locate(self.driver.store, domain.devices.disks)
        caps = definitions.capabilities(self.driver, domain)
        argv = build(domain, caps, launch(self.driver, domain))
        env = environment(domain)
        return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in env.items()), *map(shlex.quote, argv)])
