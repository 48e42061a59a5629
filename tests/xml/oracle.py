"""The corpus as documents, and what the real virsh says to them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
#: What libvirt has learned after 9.0.0, as 11.3.0 writes it: snippets of a domain or, indented more, of its devices.
NEWER = Path(__file__).parent / "newer.txt"
UUID = "6695eb01-f6a4-8304-79aa-97f2502e{:04x}"
_MARK = "@@next@@"


def documents() -> dict[str, str]:
    """name -> document: complete files, and the snippets of the .txt files, each in a domain of its own.

    Snippets stand between blank lines that are followed by "<"; those in devices*.txt go below <devices>, others
    below <domain>.
    """
    found = {path.stem: path.read_text() for path in sorted(CORPUS.glob("*.xml"))}
    for path in sorted(CORPUS.glob("*.txt")):
        for number, snippet in enumerate(re.split(r"\n\n(?=<[a-z])", path.read_text().strip())):
            name = f"{path.stem}-{number}"
            body = f"<devices>{snippet}</devices>" if path.stem.startswith("devices") else snippet
            found[name] = wrap(name, len(found), body)
    return found


def newer() -> dict[str, str]:
    """snippet -> document, of NEWER."""
    found = {}
    for number, snippet in enumerate(NEWER.read_text().rstrip().split("\n\n")):
        body = f"<devices>{snippet}</devices>" if snippet.startswith("    ") else snippet
        found[snippet] = wrap(f"newer-{number}", number, body)
    return found


def wrap(name: str, number: int, body: str) -> str:
    """A domain around `body`, with what it must have and `body` has not."""
    uuid = UUID.format(number)
    lines = ["<domain type='test'>", f"  <name>{name}</name>", f"  <uuid>{uuid}</uuid>"]
    if not re.search("^<memory[ >]|</maxMemory><memory|</currentMemory><memory|</cpu><memory/", body):
        lines.append("  <memory unit='MiB'>2048</memory>")
    if "<os" not in body:
        lines.append("  <os><type arch='x86_64' machine='pc'>hvm</type></os>")
    return "\n".join([*lines, body.replace("UUID_HERE", uuid), "</domain>", ""])


def virsh_missing() -> bool:
    """Whether the oracle cannot be asked; with VSH_LIVE set that is no excuse."""
    return shutil.which("virsh") is None and not os.environ.get("VSH_LIVE")


def ask(commands: list[str], program: Sequence[str] = ("virsh",)) -> list[str]:
    """What virsh, or `program`, prints to each command (which may be several, "a; b"), errors in place."""
    run = subprocess.run(
        [*program, "-q", "-c", "test:///default", f"; echo {_MARK}; ".join(commands)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return run.stdout.split(_MARK)


def define_all(texts: dict[str, str], folder: Path, forms: list[str]) -> dict[str, list[str]]:
    """name -> what virsh makes of each document: its error message alone, or the XML in each of `forms`.

    A form is virsh commands in which NAME is the domain, such as "dumpxml NAME --inactive".
    """
    commands = []
    for name, text in texts.items():
        (folder / f"{name}.xml").write_text(text)
        again = [form.replace("NAME", name) for form in forms]
        commands.append("; ".join([f"define {folder / name}.xml", *again, f"undefine {name}"]))
    answers: list[str] = []
    for start in range(0, len(commands), 200):
        answers += ask(commands[start : start + 200])
    found = {}
    refused = re.compile(r"\s*error: Failed to define domain from \S+\nerror: (.*?)\nerror: failed to get", re.S)
    for name, answer in zip(texts, answers, strict=True):
        failed = refused.match(answer)
        found[name] = [failed.group(1)] if failed else re.findall(r"^<domain.*?^</domain>\n", answer, re.S | re.M)
    return found
