"""Where a definition is wrong, better than libvirt's daemons say it."""

from vsh.backends.errors import XML_DETAIL, XML_INVALID_SCHEMA, VirtError


def explained(error: VirtError, xml: str) -> str:
    """Where in `xml` the fault is that a driver found, and what is expected there; "" for other errors."""
    if error.code == XML_DETAIL:
        return place(error.message)
    return fault(xml) if error.code == XML_INVALID_SCHEMA else ""


def place(message: str) -> str:
    """Line and column of a fault of syntax: such messages end in the line and a caret below it."""
    lines = message.split("\n")
    number = lines[0].split(":")[1] if ":" in lines[0] else ""
    return f"line {number}, column {len(lines[-1])}" if lines[-1].endswith("^") and number.isdecimal() else ""


def fault(xml: str) -> str:
    """The element or attribute that is not known, its line and what is expected there; "" where nothing is found.

    Daemons speak of their schema's parts ("Extra element os in interleave"); the model of the XML knows the place.
    """
    from vsh.backends.xml.config import ParseConfig
    from vsh.backends.xml.domain import Domain
    from vsh.backends.xml.resources.network import Network
    from vsh.backends.xml.resources.pool import Pool
    from vsh.backends.xml.resources.volume import Volume

    for read in (
        lambda: Domain.parse(xml, ParseConfig(), validate=True),
        lambda: Network.parse(xml, validate=True),
        lambda: Pool.parse(xml, validate=True),
        lambda: Volume.parse(xml, "dir", validate=True),
    ):
        try:
            read()
        except VirtError as error:
            if error.code == XML_INVALID_SCHEMA:
                return f"{error.str2}; {error.hint}"
    return ""
