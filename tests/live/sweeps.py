"""How much of a sweep is tried: of one check of many inputs.

A test marked `sweep` asks `rounds` how much it shall try: a tenth of the whole by default, three tenths with
VSH_LIVE=1, as in CI, and the whole with `-m long` or VSH_LONG=1, to which it belongs as well. Inputs have fixed seeds.
"""

import os


def thorough() -> bool:
    """Whether more than the usual is tried."""
    return "1" in (os.environ.get("VSH_LIVE"), os.environ.get("VSH_LONG"))


def rounds(whole: int) -> int:
    """The share of this run, at least one."""
    if os.environ.get("VSH_LONG") == "1":
        return whole
    return max(1, whole * (3 if os.environ.get("VSH_LIVE") == "1" else 1) // 10)
