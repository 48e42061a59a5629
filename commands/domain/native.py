"""`domxml-from-native` and `domxml-to-native`: domains in the configuration of hypervisors."""

from ..declare import Data, Opt, command
from ..errors import CommandError
from ..files import read_file
from ..results import Text
from .lookup import domain_names, find_domain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.records import DomainRef

    from ..context import Context

#: What libvirt's drivers know: QEMU's arguments, configuration of LXC, Xen, bhyve and VMware.
FORMATS = ("qemu-argv", "lxc-tools", "xen-xl", "xen-xm", "xen-sxpr", "bhyve-argv", "vmware-vmx")


def _format(help: str) -> Data:
    return Data("format", help, complete=lambda ctx, given: list(FORMATS))


@command(
    "domxml-from-native",
    group="domain",
    options=[_format("the format of the file: " + ", ".join(FORMATS)), Data("config", "the file")],
)
def domxml_from_native(ctx: "Context", format: str, config: str) -> Text:
    """Show the XML definition for a hypervisor's own configuration.

    Each hypervisor knows its own formats.
    """
    xml = ctx.connection.connect_domain_xml_from_native(format, read_file(config), 0)
    return Text(xml, data={"xml": xml})


@command(
    "domxml-to-native",
    group="domain",
    options=[
        _format("the wanted format: " + ", ".join(FORMATS)),
        Opt(
            "domain",
            "a domain's name, id or UUID",
            positional=False,
            empty=True,
            resolve=find_domain,
            complete=domain_names(),
        ),
        Opt("xml", "a file with the XML of a domain"),
    ],
    exclusive=[("domain", "xml")],
)
def domxml_to_native(ctx: "Context", format: str, domain: "DomainRef | None" = None, xml: "str | None" = None) -> Text:
    """Show a domain in a hypervisor's own configuration.

    Each hypervisor knows its own formats.
    """
    if domain is not None:
        text = ctx.connection.domain_get_xml_desc(domain, 0)
    elif xml is not None:
        text = read_file(xml)
    else:
        raise CommandError("need either domain or domain XML")
    config = ctx.connection.connect_domain_xml_to_native(format, text, 0)
    return Text(config, data={"format": format, "config": config})
