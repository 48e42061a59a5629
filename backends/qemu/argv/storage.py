"""Where an image's bytes are: files, devices and folders of the host, servers of all kinds, and what opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR
from ..base import fail
from ..blocks.chains import secret_of
from .command import refuse

if TYPE_CHECKING:
    from ...xml.disks import Disk
    from ...xml.protection import Encryption, Secret
    from ...xml.storage import Host, Source
    from .command import Command, Props

#: virSecretUsageType
VOLUME, CEPH, ISCSI = 1, 2, 3
#: What stands in URLs as it is.
_PLAIN = "/;:@&=+$,-_.!~*'()"
_WEB = ("http", "https", "ftp", "ftps")


def protocol(source: Source, name: str, disk: Disk | None = None) -> Props:
    """What QEMU is told of a source; `name` is that of its node, which `objects` are named after."""
    if source.type == "network":
        return _network(source, name)
    if source.type == "nvme":
        assert source.address is not None
        where = source.address
        device = f"{where.domain:04x}:{where.bus:02x}:{where.slot:02x}.{where.function:x}"
        return {"driver": "nvme", "device": device, "namespace": source.namespace}
    if source.type == "dir":
        floppy = disk is not None and disk.device == "floppy"
        return {"driver": "vvfat", "dir": source.dir, "floppy": floppy, "rw": False}
    driver = "host_device" if source.is_device else "file"
    if source.is_device and disk is not None and disk.device == "cdrom":
        driver = "host_cdrom"
    manager = f"pr-helper-{name}" if source.reservations is not None else None
    aio = (disk.driver.io or None) if disk is not None else None
    return {"driver": driver, "filename": source.path, "aio": aio, "pr-manager": manager}


def objects(command: Command, source: Source, name: str, format: str) -> None:
    """What must be there before a source is opened: who reserves it, secrets, certificates; `format` is the node's."""
    if source.reservations is not None and source.reservations.source is not None:
        command.object("pr-manager-helper", f"pr-helper-{name}", path=source.reservations.source.path)
    if source.auth is not None and source.protocol != "ssh":
        kind = CEPH if source.protocol == "rbd" else ISCSI
        assert source.auth.secret is not None
        command.secret(f"{name}-auth-secret0", kind, source.auth.secret)
    if source.encryption is not None:
        command.secret(secret_of(format), VOLUME, key(source.encryption))
    if source.cookies:
        text = "; ".join(f"{cookie.name}={cookie.value}" for cookie in source.cookies)
        command.secret(f"{name}-httpcookie-secret0", text=text)
    if source.tls:
        folder = command.launch.tls_folder("nbd")
        command.object("tls-creds-x509", f"obj{name}_tls0", dir=folder, endpoint="client", verify__peer=True)


def key(encryption: Encryption) -> Secret:
    """The secret that opens an image. Raises VirtError."""
    if encryption.format in ("qcow", "default"):
        raise fail(CONFIG_UNSUPPORTED, "old qcow/qcow2 encryption is not supported")
    if not encryption.secrets:
        raise fail(INTERNAL_ERROR, "missing secret info for 'luks' driver")
    return encryption.secrets[0]


def _network(source: Source, name: str) -> Props:
    kind = source.protocol
    user = source.auth.username if source.auth is not None else None
    password = f"{name}-auth-secret0" if source.auth is not None else None
    if kind == "nbd":
        props: Props = {"driver": "nbd", "server": _socket(_only(source)), "export": source.name}
        props |= {"tls-creds": f"obj{name}_tls0" if source.tls else None, "tls-hostname": source.tls_hostname}
    elif kind == "iscsi":
        target, _, lun = (source.name or "").partition("/")
        if lun and not lun.isdigit():
            raise fail(INTERNAL_ERROR, f"cannot parse target for lunStr '{source.name}'")
        props = {"driver": "iscsi", "portal": _place(_only(source)), "target": target, "lun": int(lun or 0)}
        props |= {"transport": "tcp", "user": user, "password-secret": password, "initiator-name": source.initiator}
    elif kind in _WEB:
        props = {"driver": kind, "url": _url(source), "username": user, "password-secret": password}
        props["sslverify"] = source.ssl_verify
        props["cookie-secret"] = f"{name}-httpcookie-secret0" if source.cookies else None
        props |= {"timeout": source.timeout or None, "readahead": source.readahead or None}
    elif kind == "rbd":
        pool, _, image = (source.name or "").partition("/")
        props = {"driver": "rbd", "pool": pool, "image": image, "snapshot": source.snapshot, "conf": source.config_file}
        props["server"] = [_server(host) for host in source.hosts] or None
        if source.encryption is not None and source.encryption.engine == "librbd":
            secret = secret_of(f"{name.removesuffix('-storage')}-format")
            props["encrypt"] = {"format": source.encryption.format, "key-secret": secret}
        if user is not None:
            props |= {"user": user, "auth-client-required": ["cephx", "none"], "key-secret": password}
    elif kind == "ssh":
        props = {"driver": "ssh", "path": source.name, "server": _server(_only(source)), "user": user}
    elif kind == "gluster":
        volume, _, path = (source.name or "").partition("/")
        props = {"driver": "gluster", "volume": volume, "path": path, "server": list(map(_socket, source.hosts))}
        props["debug"] = 4
    elif kind == "nfs":
        server = {"host": _only(source).name, "type": "inet"}
        props = {"driver": "nfs", "server": server, "path": source.name}
        props |= {"user": _number(source, source.nfs_user), "group": _number(source, source.nfs_group)}
    else:
        shown = "VxHS" if kind == "vxhs" else f"'{kind}'"
        raise fail(CONFIG_UNSUPPORTED, f"{shown} protocol is not supported with this QEMU binary")
    return props


def described(source: Source) -> str:
    """A network image in QEMU's words, without what opens it: so an image names the one that it stands on."""
    import json

    bare = source.copy()
    bare.auth = bare.encryption = bare.tls = bare.tls_hostname = None
    bare.cookies = []
    told = {key: value for key, value in _network(bare, "").items() if value is not None}
    return "json:" + json.dumps({"file": told}, ensure_ascii=False, separators=(",", ":"))


def _only(source: Source) -> Host:
    if len(source.hosts) != 1:
        raise fail(INTERNAL_ERROR, f"{source.protocol} protocol accepts only one host")
    return source.hosts[0]


def _server(host: Host) -> Props:
    return {"host": host.name, "port": str(host.port)}


def _socket(host: Host) -> Props:
    if host.transport == "unix":
        return {"type": "unix", "path": host.socket}
    if host.transport:
        raise fail(INTERNAL_ERROR, f"transport protocol '{host.transport}' is not yet supported")
    return {"type": "inet"} | _server(host)


def _place(host: Host) -> str:
    name = f"[{host.name}]" if ":" in (host.name or "") else host.name
    return f"{name}:{host.port}"


def _url(source: Source) -> str:
    from urllib.parse import quote

    path = quote((source.name or "").removeprefix("/"), safe=_PLAIN)
    query = f"?{source.query}" if source.query else ""
    return f"{source.protocol}://{_place(_only(source))}/{path}{query}"


def _number(source: Source, who: str | None) -> int | None:
    if who is None:
        return None
    if not who.lstrip("+").isdigit():
        raise refuse(source, "<identity> by name", "use the number")
    return int(who.lstrip("+"))
