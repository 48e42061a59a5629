"""nodedev-event, secret-event: refusals, and how the waiting ends."""

import pytest

from tests.commands.conftest import Host


@pytest.mark.parametrize(("command", "option"), [("nodedev-event", "device"), ("secret-event", "secret")])
def test_refusals(host: Host, command: str, option: str) -> None:
    words = [
        "", "--list", "--list --event nosuch", "--list --timeout x", "--event nosuch", "--event ''",
        "--event lifecycle --timeout 0", "--event lifecycle --timeout x", "--event nosuch --timeout x",
        f"--event lifecycle --timeout x --{option} nosuch", f"--event lifecycle --{option} '' --timeout 1",
        f"--event lifecycle --{option} nosuch --timeout 1", "nosuch lifecycle --timeout 1", "--all",
    ]  # fmt: skip
    host.same(*(f"{command} {word}" for word in words if "--all" not in word))
    host.script(f"{command} --all", f"{command} --event", f"{command} a b 1 c")


def test_nothing_happens(host: Host) -> None:
    host.same("nodedev-event --event lifecycle --timeout 1", readonly=True)
