"""Answers to questions that a driver may not know to answer."""

from vsh.backends.errors import VirtError


def yes_no(answer: "int | VirtError", unknown: str = "unknown") -> str:
    """An answer in words; `unknown` where there is none."""
    return unknown if isinstance(answer, VirtError) else "yes" if answer else "no"


def truth(answer: "int | VirtError") -> "bool | None":
    """An answer for machines; None where there is none."""
    return None if isinstance(answer, VirtError) else bool(answer)
