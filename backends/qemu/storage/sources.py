"""Calls about what pools there could be: sources to make them of, and what this driver knows of each type."""

from ... import errors
from ...pools import TYPES
from ..base import QemuBase, call
from .kinds import KINDS
from .pools import fail
from .programs import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...xml.resources.pool import Source


class SourceCalls(QemuBase):
    """What pools there could be."""

    @call("storageConnectFindStoragePoolSources")
    def connect_find_storage_pool_sources(self, type: str, src_spec: "str | None", flags: int = 0) -> str:
        from ...xml.resources.pool import Device, Host, Source, parse_source

        if type not in TYPES:
            raise fail(errors.INTERNAL_ERROR, f"unknown storage pool type {type}")
        source = parse_source(src_spec, type) if src_spec is not None else None
        if type == "netfs":
            if source is None or not source.hosts:
                raise errors.virt_error(
                    errors.INVALID_ARG, "hostname must be specified for netfs sources", domain=errors.FROM_STORAGE
                )
            name = source.hosts[0].name or ""
            try:
                told = run(self.driver.host, ["showmount", "--no-headers", "--exports", "--", name])
            except errors.VirtError:
                told = b""  # as libvirt, which asks for other kinds of shares too
            paths = [line.split()[0] for line in told.decode("utf-8", "replace").splitlines() if line.strip()]
            if not paths:
                raise fail(errors.OPERATION_FAILED, f"no storage pools were found on host '{name}'")
            return _sources(type, [Source(hosts=[Host(name=name)], dir=path, format="nfs") for path in paths])
        if type == "logical":
            from .logical import sources

            found = [
                Source(devices=[Device(path=device) for device in devices], name=name, format="lvm2")
                for name, devices in sources(self.driver.host).items()
            ]
            return _sources(type, found)
        raise fail(errors.NO_SUPPORT, f"pool type '{type}' does not support source discovery")

    @call("storageConnectGetStoragePoolCapabilities")
    def connect_get_storage_pool_capabilities(self, flags: int = 0) -> str:
        from ...xml.resources.pool import FORMATS, SOURCES
        from ...xml.resources.volume import FORMATS as VOLUMES
        from ...xml.serialize import Out

        out = Out("storagepoolCapabilities")
        for type in SOURCES:
            pool = out.add("pool")
            pool.spread = True
            pool.set("type", type)
            pool.set("supported", "yes" if type in KINDS else "no")
            # libvirt's lists begin with the format that stands for none.
            listed = sorted(FORMATS.get(type, ()), key=lambda name: name != "unknown")
            volumes = VOLUMES.get(type, ())
            named = () if type == "rbd" else volumes if type == "disk" else ("none", *volumes)
            for options, kind, formats, default in (
                ("poolOptions", "sourceFormatType", listed, FORMATS.get(type)),
                ("volOptions", "targetFormatType", named, volumes),
            ):
                if default:
                    inside = pool.add(options)
                    inside.add("defaultFormat").set("type", default[0])
                    values = inside.add("enum")
                    values.spread = True
                    values.set("name", kind)
                    for name in formats:
                        values.add("value").write(name)
        return out.render()


def _sources(type: str, sources: "list[Source]") -> str:
    from ...xml.engine import View
    from ...xml.serialize import Out

    out = Out("sources")
    out.spread = True
    for source in sources:
        source.settle(type)
        source.emit(out.add("source"), View())
    return out.render()
