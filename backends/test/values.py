"""Typed parameters and numbers that callers hand in, checked as libvirt's virTypedParamsValidate checks them."""

from .. import errors
from ..constants.connect import TYPED_PARAM_STRING_OKAY
from .info import EITHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..params import TypedParams

#: Flags of calls that return parameters: libvirt's library always says that it takes strings.
GETTING = EITHER | TYPED_PARAM_STRING_OKAY
#: virTypedParameterType
TYPES = ("unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string")


def required_params(params: "TypedParams", known: "Mapping[str, int]") -> None:
    """Refuse parameters that are not in `known` (name -> type), have another type there or occur twice.

    Raises INVALID_ARG or ARGUMENT_UNSUPPORTED.
    """
    given = sorted(params.items, key=lambda item: item[0])
    for number, (name, kind, _) in enumerate(given):
        if name not in known:
            raise errors.virt_error(errors.ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
        if number and given[number - 1][0] == name:
            raise errors.virt_error(errors.INVALID_ARG, f"parameter '{name}' occurs multiple times")
        if kind != known[name]:
            text = f"invalid type '{TYPES[kind]}' for parameter '{name}', expected '{TYPES[known[name]]}'"
            raise errors.virt_error(errors.INVALID_ARG, text)


def signed(number: int) -> int:
    """An unsigned 32-bit number as libvirt's messages show it, through `%d`."""
    return number - (number >> 31 << 32)
