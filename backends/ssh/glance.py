"""Looking at a host through what the agent has of it: for completion, which waits for nothing and asks nobody.

No connection is made for it. The agent answers from the lists that it keeps fresh, and passes on what else is asked.
"""

import os

from .. import driver, errors, procedures
from ..rpc.codec import codec
from . import warm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..uri import Uri


class GlanceConnection(driver.Connection):
    """A read-only session on the agent's connection to the host of `uri`."""

    def __init__(self, uri: "Uri"):
        """Raises VirtError(NO_CONNECT) where the agent has none."""
        super().__init__(driver.Driver(uri), uri, readonly=True)
        if os.environ.get("VSH_NO_AGENT"):
            raise _nothing(uri, "the agent is not wanted")
        try:
            self._wire = warm.Wire(warm.reach())
            self._ask(op="glance", **warm.who(uri))
        except (warm.AgentGone, OSError) as error:
            raise _nothing(uri, str(error)) from None

    def __getattr__(self, name: str) -> "Callable[..., Any]":
        try:
            wire = codec(procedures.lookup(name))
        except KeyError:
            raise AttributeError(name) from None

        def call(*args: object) -> "Any":
            try:
                answer = self._ask(op="look", call=name, args=wire.encode_args(args))
            except (warm.AgentGone, OSError) as error:
                raise _nothing(self.uri, str(error)) from None
            return wire.decode_results(answer["value"])

        return call

    def _ask(self, **request: "Any") -> "dict[str, Any]":
        return self._wire.call(request, warm.ANSWER)[0]

    def close(self) -> None:
        self._wire.close()


def _nothing(uri: "Uri", why: str) -> errors.VirtError:
    return errors.VirtError(errors.NO_CONNECT, f"the agent has no connection to {uri.host}: {why}")
