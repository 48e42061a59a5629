"""Rates of network traffic as options take them: `AVERAGE,PEAK,BURST,FLOOR`."""

from ..errors import CommandError

#: What the numbers are, in their order: KiB a second, KiB a second, KiB, KiB a second.
FIELDS = ("average", "peak", "burst", "floor")


def read_rate(text: str) -> "dict[str, int]":
    """The numbers of a rate; those left out are 0.

    Raises CommandError.
    """
    from vsh.backends.xml.values import unsigned

    words = text.split(",")
    if len(words) > len(FIELDS):
        raise CommandError(f"Rate string '{text}' has too many fields")
    rate = dict.fromkeys(FIELDS, 0)
    for field, word in zip(FIELDS, words, strict=False):
        try:
            rate[field] = unsigned(word, bits=64) if word else 0
        except ValueError:
            raise CommandError(f"field '{field}' is malformed") from None
    return rate
