"""Parts of a domain that libvirt knows and this driver does not do yet: refused, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import refuse

if TYPE_CHECKING:
    from ...xml.domain import Domain


def check(domain: Domain) -> None:
    """Raise VirtError for what no other module looks at."""
    tune = domain.cputune
    features = domain.features
    for element, told, what in (
        (domain, domain.blkiotune, "<blkiotune>"),
        (domain, domain.memtune, "<memtune>"),
        (tune, any(tune.__dict__.get(field.name) for field in tune.fields), "<cputune>"),
        (domain, domain.cpuset, "cpuset of <vcpu>"),
        (domain, domain.vcpu_placement == "auto", "<vcpu placement='auto'>"),
        (domain, domain.numatune.memory or domain.numatune.memnodes, "<numatune>"),
        (domain, domain.vcpu_states, "<vcpus>"),
        (domain, domain.genid, "<genid>"),
        (domain, domain.perf, "<perf>"),
        (domain, domain.keywrap, "<keywrap>"),
        (domain, domain.launch_security, "<launchSecurity>"),
        (domain, domain.resource, "<resource>"),
        (domain, domain.on_lockfailure, "<on_lockfailure>"),
        (domain, domain.devices.leases, "<lease>"),
        (domain.os, domain.os.smbios == "host", "<smbios mode='host'>"),
        (domain, any(info.type == "fwcfg" for info in domain.sysinfo), "<sysinfo type='fwcfg'>"),
        (features, features.xen, "<xen> features"),
        (features, features.msrs, "<msrs>"),
        (features, features.tb_cache, "<tb-cache>"),
        (features, features.kvm and features.kvm.dirty_ring, "<dirty-ring>"),
        (features, features.smm is not None and features.smm.tseg != -1, "<tseg>"),
        (features, features.hap is not None, "<hap>"),
    ):
        if told:
            raise refuse(element, what)
    for label in domain.seclabels:
        if label.type != "none" and label.model not in ("none", None):
            raise refuse(label, f"security label of model '{label.model}'")
