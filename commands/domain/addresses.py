"""Addresses of devices as options take them: `pci:0000.00.0a.0` and its like."""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.xml.serialize import Out

#: kind -> (base of the numbers, the <address> type, its attributes with the format of their numbers).
PCI = (16, "pci", {"domain": "0x{:04x}", "bus": "0x{:02x}", "slot": "0x{:02x}", "function": "0x{:x}"})
DRIVE = (10, "drive", {"controller": "{}", "bus": "{}", "unit": "{}"})
KINDS = {
    "pci": PCI,
    "ccw": (16, "ccw", {"cssid": "0x{:02x}", "ssid": "0x{:x}", "devno": "0x{:04x}"}),
    "usb": (10, "usb", {"bus": "{}", "port": "{}"}),
    "ide": DRIVE,
    "scsi": DRIVE,
    "sata": DRIVE,
}
NUMBERS = {
    10: re.compile(r"[ \t\n\v\f\r]*\+?([0-9]+)"),
    16: re.compile(r"[ \t\n\v\f\r]*\+?(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)"),
}


class Address:
    """An address: its `kind`, pci ccw usb ide scsi or sata, and its numbers.

    Raises ValueError for text that is none. The character between two numbers may be any; what follows the last one
    is ignored, as virsh does.
    """

    def __init__(self, text: str):
        self.kind, colon, rest = text.partition(":")
        if not colon or self.kind not in KINDS:
            raise ValueError(text)
        base, _, attributes = KINDS[self.kind]
        self.numbers: list[int] = []
        for name in attributes:
            found = NUMBERS[base].match(rest)
            if found is None:
                raise ValueError(text)
            number = int(found[1], base)
            if number >> (64 if name == "unit" else 32):
                raise ValueError(text)
            self.numbers.append(number)
            rest = rest[found.end() + 1 :]

    def write(self, parent: "Out", multifunction: bool = False) -> None:
        """Add the element <address> to `parent`; `multifunction` matters on PCI alone."""
        _, kind, attributes = KINDS[self.kind]
        out = parent.add("address")
        out.set("type", kind)
        for (name, form), number in zip(attributes.items(), self.numbers, strict=True):
            out.set(name, form.format(number))
        if multifunction and self.kind == "pci":
            out.set("multifunction", "on")
