"""Storage sources of disks: files, devices, network storage, volumes, and what stands below them."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, INVALID_ARG, XML_ERROR
from .addresses import PciPlace
from .engine import Context, Model, View, fail
from .fields import Child, Children, Enum, LazyChild, Name, Part, Size, Text, UInt, YesNo
from .node import Node
from .protection import Auth, DeviceLabel, Encryption, check_labels
from .values import ULLONG_MAX, unsigned

#: Of types of storage and of encryption, what libvirt learned after 9.0.0.
NEW_STORAGE = ("vhostvdpa",)
STORAGE_TYPES = ("file", "block", "dir", "network", "volume", "nvme", "vhostuser")
FORMATS = (
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2",
    "qed", "vmdk",
)  # fmt: skip
PROTOCOLS = (
    "nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https", "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs",
)  # fmt: skip
_PORTS = {
    "http": 80, "https": 443, "ftp": 21, "ftps": 990, "tftp": 69, "sheepdog": 7000, "nbd": 10809, "ssh": 22,
    "iscsi": 3260, "gluster": 24007, "vxhs": 9999,
}  # fmt: skip
#: a file's path, or VMware's "[datastore] path"
_IMAGE = (r"(/|[a-zA-Z]:\\).+|\[[^\]]+\] .+", "an absolute path")
_WEB = ("http", "https", "ftp", "ftps")


def is_wwn(text: str) -> bool:
    """Whether `text` is a world wide name: 16 hexadecimal digits."""
    digits = text.removeprefix("0x")
    return len(digits) == 16 and all(c in "0123456789abcdefABCDEF" for c in digits)


def check_wwn(wwn: str) -> None:
    """Refuse what is no world wide name."""
    if not is_wwn(wwn):
        raise fail(INTERNAL_ERROR, f"Malformed wwn: {wwn}")


class Host(Model):
    """A server of network storage. The port of the protocol is filled in."""

    name = Text("@name")
    port = UInt("@port")
    transport = Enum(
        "@transport",
        ("unix", "rdma"),
        zero=("tcp",),
        invalid=(CONFIG_UNSUPPORTED, "unknown protocol transport type '%s'"),
    )
    socket = Text("@socket")

    def read(self, node: Node, context: Context) -> None:
        Host.transport.read(self, node, context)
        Host.socket.read(self, node, context)
        if self.transport == "unix":
            if self.socket is None:
                raise fail(XML_ERROR, "missing socket for unix transport")
            return
        if self.socket is not None:
            raise fail(XML_ERROR, f"transport '{node.get('transport') or '(null)'}' does not support socket attribute")
        self.name = node.get("name")
        if self.name is None:
            raise fail(XML_ERROR, "missing name for host")
        port = node.get("port")
        if port is not None:
            self.port = parse_port(port)


def parse_port(text: str) -> int:
    try:
        return unsigned(text)
    except ValueError:
        raise fail(INVALID_ARG, f"failed to parse port number '{text}'") from None


class Cookie(Model):
    name = Text("@name", blank=False, required=(XML_ERROR, "missing cookie name"))
    value = Name(".")

    def parsed(self, node: Node, context: Context) -> None:
        if not self.value:
            raise fail(XML_ERROR, f"missing value for cookie '{self.name}'")
        bad = {chr(code) for code in range(0x21)} | set(' ",;\\')
        value = self.value
        if value[0] == '"':
            if value[-1] != '"' or len(value) < 2:
                raise fail(XML_ERROR, f"value of cookie '{self.name}' contains invalid characters")
            value = value[1:-1]
        if set(self.name or "") & (bad | set("()<>@:/[]?={}")):
            raise fail(XML_ERROR, f"cookie name '{self.name}' contains invalid characters")
        if set(value) & bad:
            raise fail(XML_ERROR, f"value of cookie '{self.name}' contains invalid characters")


def _slice_end(name: str) -> UInt:
    missing = (XML_ERROR, "missing offset or size attribute of slice")
    malformed = (XML_ERROR, f"malformed value '%s' of '{name}' attribute of slice")
    return UInt(f"@{name}", bits=64, blank=False, absent=None, required=missing, invalid=malformed)


def _web_limit(path: str) -> UInt:
    invalid = (XML_ERROR, "invalid readahead size or timeout")
    return UInt(path, bits=64, blank=False, when=_web, invalid=invalid)


class Slice(Model):
    type = Text("@type")
    offset = _slice_end("offset")
    size = _slice_end("size")


class Reconnect(Model):
    enabled = YesNo("@enabled", wanted=True)
    timeout = UInt("@timeout", absent=None, when=lambda reconnect: reconnect.enabled, required=True)

    def present(self, view: View) -> bool:
        return self.enabled is not None


class ReservationSource(Model):
    type = Text("@type", blank=False)
    path = Text("@path", blank=False)
    mode = Text("@mode", blank=False)


class Reservations(Model):
    managed = YesNo("@managed", required=True)
    source = LazyChild("source", ReservationSource, show=lambda pr, view: not (pr.managed and view.migratable))

    def parsed(self, node: Node, context: Context) -> None:
        source = self.source or ReservationSource()
        if not self.managed or source.type or source.path or source.mode:
            for name, value in (("type", source.type), ("", source.path), ("mode", source.mode)):
                if value is None:
                    what = f"missing connection {name}" if name else "missing path"
                    raise fail(XML_ERROR, f"{what} for <reservations/>")
            if source.type != "unix":
                raise fail(XML_ERROR, f"unsupported connection type for <reservations/>: {source.type}")
            if source.mode != "client":
                raise fail(XML_ERROR, f"unsupported connection mode for <reservations/>: {source.mode}")


def _network(source: Source) -> bool:
    return source.type == "network"


def _ssh(source: Source) -> bool:
    return source.type == "network" and source.protocol == "ssh"


def _web(source: Source) -> bool:
    return source.type == "network" and source.protocol in _WEB


class Source(Model):
    """<source>. `type` stands in the element around it and decides what may be here."""

    type = "file"
    file = Text("@file", shape=_IMAGE, when=lambda source: source.type == "file")
    fdgroup = Text("@fdgroup", when=lambda source: source.type == "file")
    dev = Text("@dev", when=lambda source: source.type in ("block", "vhostvdpa"))
    dir = Text("@dir", when=lambda source: source.type == "dir")
    protocol = Enum("@protocol", PROTOCOLS, when=_network, required=True)
    name = Text("@name", when=_network)
    query = Text("@query", when=lambda source: _network(source) and source.protocol in ("http", "https"))
    tls = YesNo("@tls", when=_network)
    tls_hostname = Text("@tlsHostname", when=_network)
    pool = Text("@pool", when=lambda source: source.type == "volume")
    volume = Text("@volume", when=lambda source: source.type == "volume")
    mode = Enum(
        "@mode",
        ("host", "direct"),
        when=lambda source: source.type == "volume" and source.pool is not None,
        invalid=(CONFIG_UNSUPPORTED, "unknown source mode '%s' for volume type disk"),
    )
    nvme_type = Text("@type", when=lambda source: source.type in ("nvme", "vhostuser"))
    managed = YesNo("@managed", when=lambda source: source.type == "nvme")
    namespace = UInt(
        "@namespace",
        bits=64,
        absent=None,
        when=lambda source: source.type == "nvme",
        required=(XML_ERROR, "missing 'namespace' attribute to disk source"),
        invalid=(XML_ERROR, "malformed namespace '%s'"),
    )
    socket = Text("@path", when=lambda source: source.type == "vhostuser")
    address = Child(
        "address",
        PciPlace,
        when=lambda source: source.type == "nvme",
        required=(XML_ERROR, "NVMe disk source is missing address"),
    )
    reconnect = Child("reconnect", Reconnect, when=lambda source: source.type == "vhostuser")
    hosts = Children("host", Host, when=_network)
    reconnect_delay = UInt("reconnect/@delay", when=_network, newer=True)
    known_hosts = Text("knownHosts/@path", when=_ssh, newer=True)
    ssh_user = Text("identity/@username", when=_ssh, newer=True)
    ssh_key = Text("identity/@keyfile", when=_ssh, newer=True)
    ssh_agent = Text("identity/@agentsock", when=_ssh, newer=True)
    nfs_user = Text("identity/@user", when=lambda source: _network(source) and source.protocol == "nfs")
    nfs_group = Text("identity/@group", when=lambda source: _network(source) and source.protocol == "nfs")
    snapshot = Text("snapshot/@name", blank=False, when=_network)
    config_file = Text("config/@file", blank=False, when=_network)
    initiator = Text("initiator/iqn/@name", blank=False, when=_network)
    ssl_verify = YesNo("ssl/@verify", when=lambda source: _network(source) and source.protocol in ("https", "ftps"))
    cookies = Children("cookies/cookie", Cookie, when=_web, show=lambda source, view: view.secure)
    readahead = _web_limit("readahead/@size")
    timeout = _web_limit("timeout/@seconds")
    slice = Child("slices/slice", Slice)
    labels = Children("seclabel", DeviceLabel, show=lambda source, view: source.type != "network")
    auth = Child("auth", Auth, show=lambda source, view: source.type != "volume")
    encryption = Child("encryption", Encryption)
    reservations = Child("reservations", Reservations)
    data_store: Child[DataStore] = Child("dataStore", Model, newer=True)  # type: ignore[arg-type]

    def read(self, node: Node, context: Context) -> None:
        if self.type in ("nvme", "vhostuser"):
            Source.nvme_type.read(self, node, context)
            Source.socket.read(self, node, context)
            self._check_socket_type()
        super().read(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        check_labels(self.labels)
        self.file, self.dev, self.dir = self.file or None, self.dev or None, self.dir or None
        if self.type == "network":
            if self.name is None and self.protocol != "nbd":
                raise fail(XML_ERROR, "missing name for disk source")
            if self.name is not None and self.protocol in ("gluster", "rbd") and self.name.find("/") < 1:
                raise fail(XML_ERROR, f"can't split path '{self.name}' into pool name and image name")
            for host in self.hosts:
                if not host.transport and not host.port:
                    host.port = _PORTS.get(self.protocol, 0)
        elif self.type == "volume" and (self.pool is None) != (self.volume is None):
            raise fail(XML_ERROR, "'pool' and 'volume' must be specified together for 'pool' type source")
        if self.slice and self.slice.type != "storage":
            self.slice = None

    def _check_socket_type(self) -> None:
        if self.type == "nvme":
            if self.nvme_type is None:
                raise fail(XML_ERROR, "missing 'type' attribute to disk source")
            if self.nvme_type != "pci":
                raise fail(XML_ERROR, f"unsupported source type '{self.nvme_type}'")
            return
        if self.nvme_type is None:
            raise fail(XML_ERROR, "missing 'type' attribute for vhostuser disk source")
        if self.nvme_type != "unix":
            raise fail(XML_ERROR, "invalid 'type' attribute for vhostuser disk source")
        if self.socket is None:
            raise fail(XML_ERROR, "missing 'path' attribute for vhostuser disk source")

    located: tuple[str, str] | None = None  #: type and path of the volume that it stands for, once that is known

    @property
    def path(self) -> str | None:
        """The local file, device or directory."""
        return self.located[1] if self.located else self.file or self.dev or self.dir

    @property
    def is_device(self) -> bool:
        """Whether it is a block device."""
        return self.located[0] == "block" if self.located else self.dev is not None

    @property
    def empty(self) -> bool:
        """No medium."""
        return self.type in ("file", "block", "dir") and self.path is None


class SourceOf(Part[Source]):
    """The <source> of an element whose `type` says what kind of storage it is."""

    def __init__(self, path: str = "source", **options: object) -> None:
        super().__init__(path, Source, **options)

    def initial(self, model: Model) -> Source:
        source = super().initial(model)
        source.type = getattr(model, "type", "file")
        return source

    def read(self, model: Model, node: Node, context: Context) -> None:
        found = node.find(self.inner)
        if found is not None:
            self.initial(model).read(found, context)
        elif isinstance(self.required, tuple):
            raise fail(*self.required)


class DataStore(Model):
    """<dataStore>: where a qcow2 image keeps what it holds."""

    type = Enum("@type", STORAGE_TYPES, newer=NEW_STORAGE)
    format = Enum("format/@type", FORMATS)
    source = SourceOf()


Source.data_store.model = DataStore


#: Longer ones would be too deep to write, compare and copy.
LONGEST_CHAIN = 100


class BackingStore(Model):
    """<backingStore>, one inside the other; without a type it says that the chain ends here."""

    type = Enum("@type", STORAGE_TYPES, newer=NEW_STORAGE, invalid=(XML_ERROR, "unknown storage source type '%s'"))
    index = UInt("@index", live=True, invalid=(XML_ERROR, "invalid storage source index '%s'"))
    format = Enum(
        "format/@type",
        FORMATS,
        blank=False,
        required=(XML_ERROR, "missing disk backing store format"),
        invalid=(XML_ERROR, "unknown storage source format '%s'"),
    )
    cache_size = Size("format/metadata_cache/max_size", scale=1, limit=ULLONG_MAX)
    source = SourceOf(required=(XML_ERROR, "missing disk backing store source"))
    inner: Child[BackingStore] = Child("backingStore", Model)  # type: ignore[arg-type]

    def read(self, node: Node, context: Context) -> None:
        depth = context.memo["chain"] = context.memo.get("chain", 0) + 1
        if depth > LONGEST_CHAIN:
            raise fail(XML_ERROR, f"a chain of more than {LONGEST_CHAIN} images")
        if node.get("type") is not None:
            super().read(node, context)
        context.memo["chain"] -= 1


BackingStore.inner.model = BackingStore
