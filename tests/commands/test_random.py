"""Command lines made at random from what the commands declare, right and wrong ones, beside virsh."""

import random

import pytest

from tests.commands.conftest import Host
from tests.commands.test_shell import LATER, LATER_OPTIONS
from tests.live.sweeps import rounds
from vsh.commands.declare import Alias, Command, Opt
from vsh.commands.index import COMMANDS, find

#: Commands that wait, ask, change the session, speak in words of our own, tell times, or at which virsh itself hangs.
LEFT_OUT = {
    *("connect", "quit", "exit", "help", "complete", "self-test", "console", "version", "cd", "pwd", "migrate"),
    *("save", "dump", "managedsave", "screenshot", "domstats", "domifstat", "domblkstat", "cpu-stats", "vcpuinfo"),
    *("send-key", "snapshot-create", "snapshot-create-as", "checkpoint-create", "checkpoint-create-as", "domtime"),
    *("secret-set-value", "define", "create", "nodecpustats", "nodememstats", "lxc-enter-namespace", "domjobinfo"),
    *("pool-define-as", "pool-create-as", "pool-define", "pool-create", "net-define", "net-create", "capabilities"),
    *(name for name in COMMANDS if name.endswith(("event", "edit"))),
    *LATER,
}
WORDS = {
    "domain": ("test", "test", "test", "1", "nosuch", "''"),
    "network": ("default", "default", "nosuch"),
    "pool": ("default-pool", "default-pool", "nosuch"),
    "interface": ("eth1", "nosuch", "aa:bb:cc:dd:ee:ff"),
    "device": ("computer", "vda", "nosuch"),
    "path": ("vda", "nosuch"),
}
ANY = ("x", "1", "0", "-1", "''", "4294967296", "vda", "1G")
NEVER = ("loop", "wait", "interactive", "edit", "autodestroy", "console", "file", "xml", "xmlfile", "holdtime")
#: Orders of complaints about empty words that differ.
EMPTY = {"attach-disk", "pool-list", "blockcopy", "blockcommit", "blockpull"}


def line(chance: random.Random, command: Command) -> str:
    """The command with some of its options; now and then something that is none of them."""
    often = chance.choice((0.05, 0.15, 0.3))
    words = [command.name]
    for option in command.options:
        if isinstance(option, Alias) or f"--{option.name}" in LATER_OPTIONS.get(command.name, ()):
            continue
        if chance.random() < (0.95 if option.required else 0 if option.name in NEVER else often):
            words += _given(chance, command, option)
    return " ".join([*words, *(["--nope"] if chance.random() < 0.02 else [])])


def _given(chance: random.Random, command: Command, option: Opt) -> list[str]:
    if option.kind == "bool":
        return [f"--{option.name}"]
    word = chance.choice(WORDS.get(option.name, ANY))
    if command.name in EMPTY:
        word = word if word in ("1", "vda", "test", "default-pool") else "1"
    return [word] if option.kind == "argv" else [f"--{option.name}", word]


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(rounds(30)))
def test_as_virsh(host: Host, seed: int) -> None:
    chance = random.Random(seed)
    commands = [command for name in COMMANDS if name not in LEFT_OUT and (command := find(name))]
    lines = [line(chance, chance.choice(commands)) for _ in range(60)]
    host.script(*lines, env={"COLUMNS": "9999"}, ignore=["cpu-time", "uuid", "times", "mac"])
