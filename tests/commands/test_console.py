"""console and start --console: the terminal on a guest."""

from collections.abc import Callable

from tests.commands.conftest import Host
from tests.live.guest import BOOT_SECTOR_LINE, Guests, await_boot_sector
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side

Define = Callable[..., None]
LEAVE = "\x1d"
#: What only one of the programs says on a terminal: virsh where it finds no polkit, vsh what to do about an error.
OWN = ("Authorization not available.", "hint: ")


def comparable(text: str) -> str:
    """What was shown, without what only one of the programs says."""
    return "\n".join(line for line in text.split("\r\n") if not line.startswith(OWN))


def on_terminals(side: Side, *argv: str) -> tuple[str, int]:
    """Run a command that ends by itself on a terminal: both programs have to show the same."""
    shown = []
    for program in ("virsh", "vsh"):
        with side.terminal(program, *argv) as terminal:
            text, status = terminal.finish()
        shown.append((comparable(text), status))
    assert shown[0] == shown[1]
    return shown[1]


def test_refusals(host: Host) -> None:
    host.same("console test", "console nosuch", "console test --devname ''", "destroy test", "console test")
    host.same("console test --force --safe", "console test serial0", "console test --devname serial0", quiet=True)
    host.script("console", "console test a b", "console test --devname", "console test --escape x")


def test_a_driver_without_consoles(host: Host) -> None:
    text, status = on_terminals(host.side, "-c", host.uri, "console test")
    assert text.startswith("Connected to domain 'test'\nEscape character is ^] (Ctrl + ])\n") and status == 1
    on_terminals(host.side, "-e", "x", "-c", host.uri, "console test")
    on_terminals(host.side, "-q", "-c", host.uri, "console test")
    on_terminals(host.side, "-r", "-c", host.uri, "console test")
    on_terminals(host.side, "-c", host.uri, "destroy test; start test --console; list; destroy test; console test")


def test_a_guest(side: Side, libvirtd: Libvirtd, guests: Guests, define: Define) -> None:
    uri = libvirtd.uri("qemu")
    define(uri, guests.boot_sector("vsh-console"))
    seen = []
    for program in ("virsh", "vsh"):
        with side.terminal(program, "-c", uri, "start --console vsh-console") as terminal:
            text = terminal.expect("Escape character is ^] (Ctrl + ])\r\n")
            await_boot_sector(terminal)
            terminal.send("typed")
            text += terminal.expect("typed")
            terminal.send(LEAVE)
            end = terminal.finish()
        seen.append((comparable(text)[:90], end))
        assert side.virsh("-c", uri, "domstate vsh-console; destroy vsh-console").stdout.startswith("running\n")
    assert seen[0] == seen[1]


def test_options(side: Side, libvirtd: Libvirtd, guests: Guests, define: Define) -> None:
    uri = libvirtd.uri("qemu")
    define(uri, guests.boot_sector("vsh-options"))
    with side.terminal(
        "vsh", "-e", "~", "-c", uri, "start vsh-options --paused; console vsh-options --resume"
    ) as first:
        first.expect("Escape character is ~\r\n")
        first.expect(BOOT_SECTOR_LINE)  # it ran only once the console was joined
        text, status = on_terminals(side, "-c", uri, "console vsh-options")
        assert "Active console session exists for this domain" in text and status == 1
        on_terminals(side, "-c", uri, "console vsh-options --devname nosuch")
        with side.terminal("vsh", "-c", uri, "console vsh-options --force --devname serial0") as second:
            second.expect("Escape character is ^] (Ctrl + ])\r\n")
            second.send("mine")
            second.expect("mine")
            second.send(LEAVE)
            assert second.finish()[1] == 0
        _, status = first.finish()  # it was thrown out


def test_the_guest_ends(side: Side, libvirtd: Libvirtd, guests: Guests, define: Define) -> None:
    uri = libvirtd.uri("qemu")
    define(uri, guests.boot_sector("vsh-end"))
    seen = []
    for program in ("virsh", "vsh"):
        with side.terminal(program, "-c", uri, "start --console vsh-end") as terminal:
            terminal.expect("Escape character is ^] (Ctrl + ])\r\n")
            await_boot_sector(terminal)
            side.virsh("-c", uri, "destroy vsh-end")
            seen.append(terminal.finish())
    assert seen[0] == seen[1]
