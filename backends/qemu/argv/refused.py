"""Parts of a domain that libvirt knows and this driver does not do yet: refused, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import refuse

if TYPE_CHECKING:
    from ...xml.domain import Domain
    from ...xml.engine import Model


#: of <cputune>
_PINS = ("vcpu_pins", "emulator_pins", "iothread_pins")


def check(domain: Domain) -> None:
    """Raise VirtError for what no other module looks at."""
    tune = domain.cputune
    features = domain.features
    for element, told, what in (
        (domain, domain.blkiotune, "<blkiotune>"),
        (domain, domain.memtune, "<memtune>"),
        (tune, any(tune.__dict__.get(field.name) for field in tune.fields if field.name not in _PINS), "<cputune>"),
        (domain, domain.vcpu_placement == "auto", "<vcpu placement='auto'>"),
        (domain, domain.perf, "<perf>"),
        (domain, domain.keywrap, "<keywrap>"),
        (domain, _own_group(domain), "<resource>"),
        (domain.os, domain.os.smbios == "host", "<smbios mode='host'>"),
        (features, features.xen, "<xen> features"),
        (features, features.msrs and domain.type == "kvm", "<msrs>"),
    ):
        if told:
            raise refuse(element, what)
    refuse_newer(domain)
    for lease in domain.devices.leases:
        raise refuse(lease, "<lease>")
    for label in domain.seclabels:
        usual = label.type == "dynamic" and label.model == "dac" and label.baselabel is None
        if label.type != "none" and label.model not in ("none", None) and not usual:
            raise refuse(label, f"security label of model '{label.model}'")


def refuse_newer(model: Model) -> None:
    """Raise VirtError for what libvirt has learned after 9.0.0, in a domain or a device."""
    for element, place in model.newest():
        raise refuse(element, place)


def _own_group(domain: Domain) -> bool:
    """Whether a domain is to be in a control group other than libvirt's usual one, of which there is none here."""
    resource = domain.resource
    return resource is not None and (resource.appid is not None or resource.partition not in (None, "/machine"))
