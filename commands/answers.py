"""Answers to questions that a driver may not know to answer."""

from vsh.backends.errors import VirtError


def yes_no(answer: "int | VirtError", unknown: str = "unknown") -> str:
    """An answer in words; `unknown` where there is none."""
    return unknown if isinstance(answer, VirtError) else "yes" if answer else "no"


def activity(answer: "int | VirtError") -> str:
    """Whether something is active, as virsh's lists say it: it counts an answer it does not get as yes."""
    return "inactive" if truth(answer) is False else "active"


def truth(answer: "int | VirtError") -> "bool | None":
    """An answer for machines; None where there is none."""
    return None if isinstance(answer, VirtError) else bool(answer)
