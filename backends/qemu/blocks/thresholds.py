"""Telling when a guest has written beyond some point of an image: who has to make it larger, say."""

import re

from ... import errors
from .. import definitions
from ..base import QemuBase, call, fail
from ..lifecycle import monitor_of
from . import chains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...records import DomainRef
    from ..driver import QemuDriver


class ThresholdCalls(QemuBase):
    """Telling when a guest has written beyond some point of an image."""

    @call("qemuDomainSetBlockThreshold")
    def domain_set_block_threshold(self, dom: "DomainRef", dev: str, threshold: int, flags: int = 0) -> None:
        with self._lock(dom):
            guest = self._active(dom)
            match = re.fullmatch(r"(.+)\[(\d+)\]", dev)
            target, number = (match[1], int(match[2])) if match else (dev, 0)
            for disk in definitions.read_live(self.driver.store, guest.uuid).devices.disks:
                for layer in chains.layers(disk) if disk.target == target else ():
                    if layer.index == number or (not number and layer is disk):
                        arguments = {"node-name": chains.nodes(layer)[1], "write-threshold": threshold}
                        with monitor_of(self.driver, guest) as monitor:
                            monitor.do("block-set-write-threshold", arguments)
                        return
            raise fail(errors.INVALID_ARG, f"failed to find disk '{dev}'")


def passed(driver: "QemuDriver", uuid: bytes, data: "dict[str, Any]") -> "list[tuple[object, ...]]":
    """The fields of the events for what QEMU tells of a threshold: a disk's own image has two names."""
    try:
        disks = definitions.read_live(driver.store, uuid).devices.disks
    except (FileNotFoundError, errors.VirtError):
        return []
    for disk in disks:
        for layer in chains.layers(disk):
            if data.get("node-name") in chains.nodes(layer):
                told = (layer.source.path or "", int(data["write-threshold"]), int(data["amount-exceeded"]))
                names = [disk.target] if layer is disk else []
                return [(name, *told) for name in (*names, f"{disk.target}[{layer.index}]")]
    return []
