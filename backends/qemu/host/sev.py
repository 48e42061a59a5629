"""Guests whose memory their host cannot read: AMD's SEV and s390's protected virtualization, as far as processor and
QEMU have them."""

from ... import errors
from ..base import fail
from .capabilities import ask, of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.domain import Domain
    from ..driver import QemuDriver


def settle(driver: "QemuDriver", domain: "Domain") -> None:
    """Fill in the processor's numbers that SEV needs and a domain does not tell.

    Raises CONFIG_UNSUPPORTED, in libvirt's words, where there is no such thing.
    """
    security = domain.launch_security
    if security is None:
        return
    kind = "sev-guest" if security.type == "sev" else "s390-pv-guest"
    told = _asked(driver, domain, security.type) if of(driver, str(domain.devices.emulator)).has(kind) else None
    if told is None:
        name = "SEV" if security.type == "sev" else "S390 PV"
        raise fail(errors.CONFIG_UNSUPPORTED, f"{name} launch security is not supported with this QEMU binary")
    if security.type == "sev":
        security.cbitpos = security.cbitpos if security.cbitpos is not None else told["cbitpos"]
        if security.reduced_phys_bits is None:
            security.reduced_phys_bits = told["reduced-phys-bits"]


def _asked(driver: "QemuDriver", domain: "Domain", type: str) -> "dict[str, Any] | None":
    """What QEMU says of it on this machine's processor; None if it cannot be had."""
    question = "query-sev-capabilities" if type == "sev" else "query-version"  # s390 has nothing to tell but KVM
    try:
        answer = ask(driver.host, str(domain.devices.emulator), driver.user_prefix(), "kvm", ((question, {}),))
    except errors.VirtError:
        return None  # there is no KVM
    return answer[0]  # type: ignore[no-any-return]
