"""What guests say and get: the agent's commands, keys and signals, displays, screenshots."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import canned
from tests.commands.conftest import Host
from tests.live.side import Side
from vsh.backends.params import INT, STRING, UINT, TypedParams
from vsh.backends.records import DomainFsinfo

AGENT = ["domfsinfo test", "domfstrim test", "domfstrim test --minimum 5 --mountpoint /", "domfstrim test 5 /nosuch"]
AGENT += ["domfsfreeze test; domfsthaw test", "domfsfreeze test /; domfsthaw test / /x; domfsthaw test"]
AGENT += ["domhostname test", "domhostname test --source lease", "domhostname test --source agent", "guestinfo test"]
AGENT += ["set-user-password test root pw", "set-user-password test root pw --encrypted", "get-user-sshkeys test root"]
AGENT += ["set-user-sshkeys test root --reset", "guest-agent-timeout test", "guest-agent-timeout test --timeout 5"]
AGENT += ["guestinfo test --os --user --timezone --hostname --filesystem --disk --interface"]
BAD_AGENT = ["domfstrim test --minimum x", "domfstrim test --minimum -1", "domhostname test --source foo", "domfsinfo"]
BAD_AGENT += ["domhostname nosuch --source foo", "set-user-password nosuch root ''", "set-user-password test root"]
BAD_AGENT += ["set-user-sshkeys test root", "set-user-sshkeys test root /nosuch", "set-user-sshkeys test root --remove"]
BAD_AGENT += ["set-user-sshkeys test root /dev/null", "set-user-sshkeys test root /dev/null --reset --remove"]
BAD_AGENT += ["guest-agent-timeout test --timeout x", "guest-agent-timeout test 5", "guestinfo nosuch"]
KEYS = ["KEY_A", "0x1e 30", "--codeset win32 VK_TAB", "--codeset os_x ANSI_A", "--codeset rfb 5", "--codeset '' KEY_A"]
KEYS += ["--holdtime 100 KEY_LEFTCTRL KEY_C", "FOO", "65536", "-- -5", "--codeset foo KEY_A", "--holdtime x KEY_A"]
KEYS += ["--codeset xt_kbd KEY_A", "--codeset win32 KEY_A", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "010 08"]
SIGNALS = [
    "5 SIGTERM",
    "1 term",
    "1 9",
    "1 sig_kill",
    "1 SIG_rt3",
    "1 99",
    "-1 0",
    "1 foo",
    "x 9",
    "1 -1",
    "1 sig",
    "1",
]
LIFE = [
    "poweroff destroy",
    "reboot rename-restart --live",
    "crash coredump-restart --config",
    "foo destroy",
    "crash foo",
]
POWER = ["dompmsuspend test mem", "dompmsuspend test disk --duration 5", "dompmsuspend test foo", "dompmwakeup test",
         "dompmwakeup 1"]
POWER += ["dompmsuspend nosuch foo", "dompmsuspend test mem --duration x", "dompmsuspend test mem 5", "inject-nmi test"]
TRUST = [
    "domlaunchsecinfo test",
    "domsetlaunchsecstate test",
    "domsetlaunchsecstate nosuch",
    "dom-fd-associate test n x",
]
TRUST += ["domsetlaunchsecstate test --secret /nosuch --secrethdr /nosuch2", "dom-fd-associate nosuch n x"]
TRUST += ["domsetlaunchsecstate test --secret /etc/hostname --secrethdr /etc/hostname", "dom-fd-associate test n 0"]
TRUST += ["domsetlaunchsecstate test --secret /etc/hostname --secrethdr /etc/hostname --set-address x"]
DISPLAYS = ["domdisplay test", "domdisplay test --all", "domdisplay test --type vnc", "domdisplay test --type foo"]
DISPLAYS += ["vncdisplay test", "ttyconsole test", "domdisplay nosuch", "domdisplay test --include-password"]


def test_agent(host: Host) -> None:
    host.same(*AGENT, "destroy test", *AGENT)
    host.same(*AGENT, readonly=True, quiet=True)
    host.script(*BAD_AGENT)


def test_keys_and_signals(host: Host) -> None:
    host.same(*(f"send-key test {words}" for words in KEYS))
    host.same(*(f"send-process-signal test {words}" for words in SIGNALS[:-1]))
    host.same("send-key test KEY_A", "send-process-signal test 1 9", "inject-nmi test", readonly=True)
    host.script("destroy test", "send-key test 5", "inject-nmi test", "send-process-signal test 1 9", "send-key test")


def test_numbers_that_are_no_key(side: Side) -> None:
    """The first and the last number of each stretch of key codes, and those beside them."""
    from vsh.backends.keycodes import CODES, translate

    lines = []
    for number, codeset in enumerate(CODES):
        known = {code for code in range(1 << 16) if translate(number, code) is not None}
        ends = {code for code in known if not {code - 1, code + 1} <= known}
        near = {code + step for code in ends for step in (-1, 0, 1)} - {-1}
        lines += [f"send-key test --codeset {codeset} {code}" for code in sorted(near)]
    side.assert_same("-q", "-c", "test:///default", "\n".join([*lines, "destroy test", "send-key test 65535"]))


def test_power_and_trust(host: Host) -> None:
    host.same(*TRUST)
    host.script(*POWER, "dompmsuspend test", "dom-fd-associate test n", "domlaunchsecinfo nosuch")
    host.same("dompmsuspend test mem", "dompmwakeup test", *TRUST, readonly=True)
    shown = [
        f"dumpxml test --xpath /domain/on_{end} {face}" for end in ("crash", "reboot") for face in ("", "--inactive")
    ]
    host.same(*(f"set-lifecycle-action test {words}" for words in LIFE), *shown)
    host.same("set-lifecycle-action nosuch foo bar", "set-lifecycle-action test crash destroy", readonly=True)


def test_displays_of_a_domain_without(host: Host) -> None:
    host.same(*DISPLAYS, "destroy test", *DISPLAYS)
    host.same(*DISPLAYS, readonly=True)


def test_every_key_has_the_code_that_virsh_sends(side: Side) -> None:
    from vsh.commands.domain.keys import NAMES

    for codeset, names in NAMES.items():
        words = list(names)
        lines = [f"send-key test --codeset {codeset} {' '.join(words[i : i + 16])}" for i in range(0, len(words), 16)]
        talk = canned.same(side, {"domain_send_key": None}, *lines)
        assert len(talk.calls) == len(lines) and not talk.run.stderr


def test_answers_of_an_agent(side: Side) -> None:
    info = TypedParams([("user.count", UINT, 1), ("os.id", STRING, "debian"), ("timezone.offset", INT, -3600)])
    vcpus = TypedParams([("vcpus", STRING, "0-3"), ("online", STRING, "0-1"), ("offlinable", STRING, "1-3")])
    disks = [DomainFsinfo("/", "vda1", "ext4", ["vda", "vdb"]), DomainFsinfo("/proc", "proc", "proc", [])]
    security = TypedParams([("sev-measurement", STRING, "abc="), ("sev-policy", UINT, 3)])
    answers = {
        "domain_get_guest_info": info,
        "domain_get_guest_vcpus": vcpus,
        "domain_set_guest_vcpus": None,
        "domain_get_fsinfo": disks,
        "domain_authorized_ssh_keys_get": ["ssh-rsa AAAA one", "ssh-ed25519 BBBB two"],
        "domain_authorized_ssh_keys_set": None,
        "domain_get_launch_security_info": security,
        "domain_agent_set_response_timeout": 0,
        "domain_pm_suspend_for_duration": None,
        "domain_pm_wakeup": None,
        "domain_set_user_password": None,
        "domain_set_vcpu": None,
        "domain_fstrim": None,
        "domain_send_process_signal": None,
        "domain_set_launch_security_state": None,
        "domain_set_block_threshold": None,
        "domain_get_hostname": "tiny",
    }
    keys = "/etc/hostname"
    talk = canned.same(
        side,
        answers,
        "guestinfo test; guestinfo test --user --interface; guestvcpus test; guestvcpus test 1-2 --enable",
        "domfsinfo test; get-user-sshkeys test root; domlaunchsecinfo test; domhostname test --source agent",
        f"set-user-sshkeys test root {keys}; set-user-sshkeys test root {keys} --remove",
        f"set-user-sshkeys test root --reset; set-user-sshkeys test root {keys} --reset",
        "guest-agent-timeout test; guest-agent-timeout test --timeout -1; domfstrim test 99 /; domfstrim test",
        "dompmsuspend test hybrid --duration 9; dompmwakeup test; set-user-password test root pw --encrypted",
        "setvcpu test 3-4 --disable --config; send-process-signal test -5 SIGUSR1; domblkthreshold test vda[1] 1M",
        f"domsetlaunchsecstate test --secret {keys} --secrethdr {keys} --set-address 4096",
    )
    assert "os.id               : debian\n" in talk.run.stdout and not talk.run.stderr
    assert canned.same(side, {"domain_get_fsinfo": []}, "domfsinfo test").run.status == 0


def display(*graphics: str) -> dict[str, str]:
    return {"domain_get_xml_desc": f"<domain><devices>{''.join(graphics)}</devices></domain>"}


@pytest.mark.parametrize(
    "graphics",
    [
        ["<graphics type='vnc' port='5901' listen='127.0.0.1' passwd='secret'/>"],
        ["<graphics type='vnc' port='5901' listen='0.0.0.0'/>", "<graphics type='spice' port='5902' tlsPort='5903'/>"],
        ["<graphics type='vnc' port='5904' listen='::'/>", "<graphics type='rdp' port='3389' listen='fe80::1'/>"],
        ["<graphics type='spice' tlsPort='5903' passwd='secret'><listen address='192.0.2.1'/></graphics>"],
        ["<graphics type='vnc' port='-1' socket='/a'><listen type='socket' socket='/run/x.sock'/></graphics>"],
        ["<graphics type='vnc'><listen type='socket' socket='/run/x.sock'/></graphics>"],
        ["<graphics type='spice' passwd='p'><listen type='socket' socket='/run/y.sock'/></graphics>"],
        ["<graphics type='dbus' address='unix:path=/run/z.sock'/>", "<console type='pty' tty='/dev/pts/3'/>"],
        ["<graphics type='dbus' address='tcp:host=x'/>"],
        ["<graphics type='sdl'/>", "<graphics type='vnc' port='x'/>"],
    ],
)
def test_displays(side: Side, graphics: list[str]) -> None:
    kinds = ("vnc", "spice", "rdp", "dbus")
    lines = ["domdisplay test", "domdisplay test --all", *(f"domdisplay test --type {kind}" for kind in kinds)]
    canned.same(
        side, display(*graphics), *lines, "domdisplay test --include-password", "vncdisplay test", "ttyconsole test"
    )


def test_graphics_reload(rpc: Host) -> None:
    """virsh 9.0.0 has no such command."""
    run = rpc.side.vsh("-c", rpc.uri, "domdisplay-reload test --type 1")
    assert run.status == 1 and "unknown procedure" in run.stderr


@pytest.fixture
def qemu(start_guest: Callable[..., Host]) -> Host:
    """A QEMU host with a running domain `guest` that has a VNC display."""
    graphics = "<graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/><video><model type='vga'/></video>"
    return start_guest(graphics, paused=False)


def test_qemu(qemu: Host) -> None:
    def named(*commands: str) -> list[str]:
        return [line.replace("test", "guest", 1) for line in commands]

    qemu.same(*named(*DISPLAYS))
    qemu.same(*named(*AGENT, *POWER[2:], *(f"send-key test {words}" for words in KEYS)))
    qemu.same(*named(*(f"set-lifecycle-action test {words}" for words in LIFE), "domlaunchsecinfo test"))
    qemu.same(*named("send-process-signal test 1 9", "dom-fd-associate test n 0", "screenshot test --screen 1"))


def test_screenshots(qemu: Host, tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    qemu.same(f"screenshot guest {shot}")
    assert shot.read_bytes().startswith(b"\x89PNG")
    home = Path(qemu.side.env["HOME"])
    [told] = qemu.json("screenshot guest")
    assert told["mime_type"] == "image/png" and (home / told["file"]).read_bytes().startswith(b"\x89PNG")
    assert told["file"].startswith("guest-20") and told["file"].endswith(".png")
    qemu.same("screenshot guest /nosuch/shot", "screenshot guest --screen x", "screenshot nosuch --screen x")
    qemu.same("screenshot guest", readonly=True)
    (home / told["file"]).unlink()
    assert not list(home.glob("guest-*"))


def test_screenshots_of_a_domain_without_a_screen(start_guest: Callable[..., Host]) -> None:
    start_guest().same("screenshot guest", "screenshot guest shot")


def test_json(host: Host) -> None:
    freeze, thaw, systems, name, key = host.json(
        "domfsfreeze test; domfsthaw test; domfsinfo test; domhostname test; send-key test KEY_A"
    )
    assert (freeze, thaw, name) == ({"frozen": 2}, {"thawed": 2}, {"hostname": "testhost"})
    assert systems[0] == {"mountpoint": "/", "name": "vda1", "type": "ext4", "targets": ["vda"]}
    assert key == {"codeset": "linux", "keycodes": [30], "hold_milliseconds": 0}
    told = host.json("set-user-password test root pw; set-lifecycle-action test crash coredump-restart --config")
    assert told == [{"user": "root"}, {"type": "crash", "action": "coredump_restart"}]
