"""A domain's definition: its figures at once, its XML model on first need.

The model costs lxml; the domain that every default host starts with is described by a few constants until something
asks for more than they say.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..xml.domain import Domain

#: The domain of the default host, as far as `list` and `dominfo` need it; default.py has all of it.
NAME = "test"
UUID = bytes.fromhex("6695eb01f6a4830479aa97f2502e193f")
FIGURES: "dict[str, Any]" = {
    "memory": 8388608,
    "current_memory": 2097152,
    "vcpus": 2,
    "max_vcpus": 2,
    "on_poweroff": "destroy",
    "on_reboot": "restart",
}


class Definition:
    """What a domain is made of.

    `figure` reads what needs no XML library on the default host's domain; everything is in `model`.
    """

    __slots__ = ("_model", "name", "uuid")

    def __init__(self, name: str, uuid: bytes, model: "Domain | None"):
        self.name = name
        self.uuid = uuid
        self._model = model

    @classmethod
    def default(cls) -> "Definition":
        """The definition of the default host's domain."""
        return cls(NAME, UUID, None)

    @classmethod
    def parse(cls, xml: str, validate: bool = False) -> "Definition":
        """Read a domain's XML as libvirt's test driver does.

        Network interfaces without a name get one. Raises VirtError.
        """
        from itertools import count

        from ..xml.config import TestConfig
        from ..xml.domain import Domain

        model = Domain.parse(xml, TestConfig(), validate=validate)
        taken = {interface.target for interface in model.devices.interfaces}
        free = (name for i in count() if (name := f"testnet{i}") not in taken)
        for interface in model.devices.interfaces:
            if interface.target is None:
                interface.target = next(free)
        return cls(model.name, model.uuid, model)

    @property
    def model(self) -> "Domain":
        """The XML model, which may be changed in place."""
        if self._model is None:
            from .default import DOMAIN

            self._model = Definition.parse(DOMAIN)._model
            assert self._model is not None
        self._model.name = self.name
        return self._model

    def copy(self) -> "Definition":
        return Definition(self.name, self.uuid, self._model and self._model.copy())

    def figure(self, name: str) -> int:
        """One of the numbers in FIGURES: `memory` and `current_memory` are in KiB."""
        return int(FIGURES[name] if self._model is None else getattr(self._model, name))

    def action(self, name: str) -> str:
        """What `on_poweroff` or `on_reboot` leads to: destroy, restart, preserve, rename-restart."""
        return str(FIGURES[name] if self._model is None else getattr(self._model, name))
