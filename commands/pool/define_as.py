"""Pools from options: `pool-define-as`, `pool-create-as`."""

from ..declare import Data, Flag, Opt, command
from ..errors import failing
from ..named import facts
from ..results import Message, Text
from .lifecycle import BUILD, BUILD_EXCLUSIVE, build_flags
from .states import TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..context import Context

OPTIONS = (
    Data("name", "the pool's name"),
    Data("type", "its type: dir, fs, netfs, logical ...", complete=lambda ctx, given: TYPES),
    Flag("print-xml", "only show the XML"),
    Opt("source-host", "the host that has the storage"),
    Opt("source-path", "the directory there"),
    Opt("source-dev", "the device that holds the storage"),
    Opt("source-name", "the name of the storage: a volume group, a pool of the other side ..."),
    Opt("target", "the path under which the host shows the volumes"),
    Opt("source-format", "the format of the storage: ext4, nfs, gpt ..."),
    Opt("auth-type", "how to log in there: chap or ceph"),
    Opt("auth-username", "the user to log in as"),
    Opt("secret-usage", "the secret with the password, by what it is for"),
    Opt("secret-uuid", "the secret with the password, by its UUID"),
    Opt("adapter-name", "the SCSI adapter with the storage"),
    Opt("adapter-wwnn", "the node name of a virtual Fibre Channel adapter"),
    Opt("adapter-wwpn", "its port name"),
    Opt("adapter-parent", "the host's adapter that it is made on"),
    Opt("adapter-parent-wwnn", "that adapter, by its node name"),
    Opt("adapter-parent-wwpn", "and its port name"),
    Opt("adapter-parent-fabric-wwn", "that adapter, by the name of its fabric"),
    Opt("source-protocol-ver", "the version of NFS"),
    Opt("source-initiator", "the name (IQN) under which the host asks for iSCSI storage"),
)
SECRETS = [("secret-usage", "secret-uuid")]


@command("pool-define-as", group="pool", options=OPTIONS, exclusive=SECRETS)
def define_as(ctx: "Context", name: str, type: str, print_xml: bool = False, **given: str) -> "Message | Text":
    """Define a storage pool that the options describe, without starting it."""
    xml = pool_xml(name, type, given)
    if print_xml:
        return Text(xml, data={"xml": xml})
    with failing(f"Failed to define pool {name}"):
        ref = ctx.connection.storage_pool_define_xml(xml, 0)
    return Message(f"Pool {name} defined", pool=facts(ref))


@command("pool-create-as", group="pool", options=(*OPTIONS, *BUILD), exclusive=[*BUILD_EXCLUSIVE, *SECRETS])
def create_as(
    ctx: "Context",
    name: str,
    type: str,
    print_xml: bool = False,
    build: bool = False,
    no_overwrite: bool = False,
    overwrite: bool = False,
    **given: str,
) -> "Message | Text":
    """Start a storage pool that the options describe, without storing it.

    It is gone once it is destroyed.
    """
    xml = pool_xml(name, type, given)
    if print_xml:
        return Text(xml, data={"xml": xml})
    with failing(f"Failed to create pool {name}"):
        ref = ctx.connection.storage_pool_create_xml(xml, build_flags(build, no_overwrite, overwrite))
    return Message(f"Pool {name} created", pool=facts(ref))


def pool_xml(name: str, type: str, given: "dict[str, Any]") -> str:
    """The definition of a pool by its options; as in virsh they are taken as they are, markup and all."""
    lines = [f"<pool type='{type}'>", f"  <name>{name}</name>"]
    source = [f"    {line}" for line in _source(given)]
    if source:
        lines += ["  <source>", *source, "  </source>"]
    if "target" in given:
        lines += ["  <target>", f"    <path>{given['target']}</path>", "  </target>"]
    return "\n".join([*lines, "</pool>", ""])


def _source(given: "dict[str, Any]") -> "list[str]":
    lines = []

    def add(option: str, form: str) -> None:
        if option in given:
            lines.append(form.format(given[option]))

    add("source_host", "<host name='{}'/>")
    add("source_path", "<dir path='{}'/>")
    add("source_dev", "<device path='{}'/>")
    if "source_initiator" in given:
        lines.extend(["<initiator>", f"  <iqn name='{given['source_initiator']}'/>", "</initiator>"])
    if "adapter_wwnn" in given and "adapter_wwpn" in given:
        lines.append(_fibre_channel(given))
    else:
        add("adapter_name", "<adapter type='scsi_host' name='{}'/>")
    # What follows does not make a source by itself.
    if not lines and not ("source_format" in given or "source_name" in given):
        return []
    secret = next(
        (f"{word}='{given[f'secret_{word}']}'" for word in ("usage", "uuid") if f"secret_{word}" in given), ""
    )
    if secret and "auth_type" in given and "auth_username" in given:
        lines.append(f"<auth type='{given['auth_type']}' username='{given['auth_username']}'>")
        lines += [f"  <secret {secret}/>", "</auth>"]
    add("source_format", "<format type='{}'/>")
    add("source_name", "<name>{}</name>")
    add("source_protocol_ver", "<protocol ver='{}'/>")
    return lines


def _fibre_channel(given: "dict[str, Any]") -> str:
    parent = ""
    if "adapter_parent" in given:
        parent = f" parent='{given['adapter_parent']}'"
    elif "adapter_parent_wwnn" in given and "adapter_parent_wwpn" in given:
        parent = f" parent_wwnn='{given['adapter_parent_wwnn']}' parent_wwpn='{given['adapter_parent_wwpn']}'"
    elif "adapter_parent_fabric_wwn" in given:
        parent = f" parent_fabric_wwn='{given['adapter_parent_fabric_wwn']}'"
    return f"<adapter type='fc_host'{parent} wwnn='{given['adapter_wwnn']}' wwpn='{given['adapter_wwpn']}'/>"
