"""Showing an XML document, whole or in parts: what the dumpxml commands have in common."""

from .declare import Flag, Opt
from .errors import CommandError
from .results import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Context

#: The options, to be put at the end of a command's own.
XPATH = (
    Opt("xpath", "only the nodes that this XPath expression selects", positional=False, empty=True),
    Flag("wrap", "put the selected nodes into one <nodes> element"),
)


def checked(xpath: "str | None") -> None:
    """Refuse an empty expression, which virsh does without a word.

    Raises CommandError.
    """
    if xpath == "":
        raise CommandError(hint="--xpath takes an expression")


def shown(ctx: "Context", xml: str, xpath: "str | None" = None, wrap: bool = False) -> Text:
    """The document `xml`, or what `xpath` selects of it.

    Raises VirtError.
    """
    if xpath is not None:
        from vsh.backends.xml.xpath import select

        xml = select(xml, xpath, wrap, lambda lines: ctx.warn(lines, bare=True))
    return Text(xml, data={"xml": xml})
