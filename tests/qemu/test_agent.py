"""The agent of a real guest, and of ones that behave badly: as libvirtd has it for the same guest."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.guest import Guests
from tests.live.libvirtd import Libvirtd
from tests.live.side import Side, compare
from tests.live.wait import wait_until
from vsh.backends import api
from vsh.backends.errors import AGENT_UNRESPONSIVE, ARGUMENT_UNSUPPORTED, INTERNAL_ERROR, VirtError
from vsh.backends.qemu.agent import client as agent

PING = "qemu-agent-command talk '{\"execute\":\"guest-ping\"}'"


class Pair:
    """The same guest `talk` under libvirtd and under an embedded driver."""

    def __init__(self, side: Side, theirs: str, ours: str):
        self.side, self.theirs, self.ours = side, theirs, ours

    def same(self, *commands: str, ignore: tuple[str, ...] = ()) -> str:
        """Assert that each command does and says the same; what virsh said."""
        said, differences = "", []
        for command in commands:
            wanted = self.side.virsh("-c", self.theirs, command)
            difference = compare(wanted, self.side.vsh("-c", self.ours, command), ignore)
            differences += [f"{command}\n{difference}"] * bool(difference)
            said += wanted.stdout
        assert not differences, "\n".join(differences)
        return said

    def both(self, command: str) -> None:
        for program, uri in ((self.side.virsh, self.theirs), (self.side.vsh, self.ours)):
            run = program("-c", uri, command)
            assert run.status == 0, run.stderr

    def answer(self) -> bool:
        return not (
            self.side.virsh("-c", self.theirs, PING).status or self.side.vsh("-c", self.ours, PING).status
        )


@pytest.fixture(scope="module")
def talk(
    side: Side, libvirtd: Libvirtd, guests: Guests, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder = Path(f"/tmp/vsh-t{os.getpid()}")
    folder.mkdir(mode=0o711)
    pair = Pair(side, libvirtd.uri("qemu"), f"qemu:///embed?root={folder}/e")
    xml = guests.agent("talk").replace("</features>", "</features><pm><suspend-to-mem enabled='yes'/></pm>")
    for name, program, uri in (("theirs", side.virsh, pair.theirs), ("ours", side.vsh, pair.ours)):
        image = guests.directory / f"{name}-talk.img"
        image.write_bytes(b"")
        os.truncate(image, 16 << 20)
        image.chmod(0o666)
        path = folder / f"{name}.xml"
        path.write_text(xml.replace(f"{guests.directory}/talk.img", str(image)))
        for command in (f"define {path}", "start talk"):
            run = program("-c", uri, command)
            assert run.status == 0, run.stderr
    try:
        wait_until(pair.answer, 90)
        yield pair
    finally:
        for program, uri in ((side.virsh, pair.theirs), (side.vsh, pair.ours)):
            program("-c", uri, "destroy talk; undefine talk")
        subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.mark.long
def test_what_it_tells_and_does(talk: Pair, tmp_path: Path) -> None:
    """The tests stand in the order of the guest's life."""
    keys = tmp_path / "keys"
    keys.write_text("ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n")
    talk.same(
        "guestinfo talk --os --hostname --timezone --disk", "guestinfo talk --user", "guestinfo talk --filesystem",
        "guestinfo talk --interface", "domfsinfo talk", "domhostname talk --source agent", "guestvcpus talk",
        "vcpucount talk --guest", "domifaddr talk --source agent", "domifaddr talk nosuch --source agent",
        "domifaddr talk", "domhostname talk --source lease", "guestinfo talk",
        "qemu-agent-command talk '{\"execute\":\"nosuch\"}'",
        "qemu-agent-command talk --async '{\"execute\":\"guest-ping\"}'", "guest-agent-timeout talk --timeout 5",
        "guest-agent-timeout talk --timeout -3", "guest-agent-timeout talk",
        "domfsfreeze talk", "domfsfreeze talk", "domfsthaw talk", "domfsthaw talk", "domfsfreeze talk --mountpoint /",
        "domfsfreeze talk /data", "domfsthaw talk", "domfsthaw talk /data", "domfstrim talk",
        "domfstrim talk --mountpoint /data", "set-user-password talk root secret",
        f"set-user-sshkeys talk root {keys}", "get-user-sshkeys talk root", "get-user-sshkeys talk nobody",
        f"set-user-sshkeys talk root {keys} --remove", "get-user-sshkeys talk root",
        "guestvcpus talk 1 --disable", "guestvcpus talk", "vcpucount talk --guest", "guestvcpus talk 1 --enable",
        "guestvcpus talk 0 --disable", "guestvcpus talk 9 --disable", "setvcpus talk 1 --guest",
        "vcpucount talk --guest", "setvcpus talk 2 --guest", "setvcpus talk 3 --guest", "vcpucount talk",
        "domtime talk --time 1800000000", "domtime talk --pretty", "domtime talk --now", "domtime talk",
        ignore=("times",),
    )  # fmt: skip


@pytest.mark.long
def test_suspend_and_wake(talk: Pair) -> None:
    talk.both("dompmsuspend talk mem")
    talk.same("domstate talk --reason", "guestinfo talk", "dompmsuspend talk mem")
    talk.both("dompmwakeup talk")
    wait_until(talk.answer, 60)


@pytest.mark.long
def test_processes_take_turns(talk: Pair) -> None:
    """One that waits long for its answer does not take another's."""
    asked = ["-c", talk.ours, "qemu-agent-command", "talk"]
    wanted = [("guest-get-fsinfo", '"mountpoint":"/data"'), ("guest-get-timezone", '"offset":')] * 2
    running = [
        subprocess.Popen(
            [*talk.side.program, *asked, json.dumps({"execute": name})], env=talk.side.env, stdout=-1, text=True
        )
        for name, _ in wanted
    ]
    for process, (_, answer) in zip(running, wanted, strict=True):
        assert answer in process.communicate(timeout=60)[0]


@pytest.mark.long
def test_shutdown_by_the_agent(talk: Pair) -> None:
    talk.both("shutdown talk --mode agent")
    wait_until(lambda: talk.side.virsh("-c", talk.theirs, "domstate talk").stdout == "shut off\n\n")
    wait_until(lambda: talk.side.vsh("-c", talk.ours, "domstate talk").stdout == "shut off\n\n")
    talk.same("domstate talk --reason", "guestinfo talk", "domfsfreeze talk", "shutdown talk --mode agent",
              "domtime talk", "guestvcpus talk", "setvcpus talk 1 --guest")  # fmt: skip


class Port(threading.Thread):
    """An agent of our own: answers each command as `behave(request)` says, or with nothing for None."""

    def __init__(self, path: Path, behave: Callable[[dict[str, object]], object]):
        super().__init__(daemon=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.behave = behave
        self.at_once = self.most = 0
        self.start()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines:
            client.sendall(b'{"return": "of somebody before"}\n{"half')
            for line in lines:
                request = json.loads(line.lstrip(b"\xff"))
                if request["execute"] == "guest-sync-delimited":
                    answer: object = {"return": request["arguments"]["id"]}
                else:
                    self.at_once += 1
                    self.most = max(self.most, self.at_once)
                    time.sleep(0.02)
                    answer = self.behave(request)
                    self.at_once -= 1
                if answer == "gone":
                    break
                if answer is not None:
                    client.sendall(b"\xff" + json.dumps(answer).encode() + b"\n")


def test_agents_of_all_kinds(
    conn: api.Connection, guests: Guests, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier process left is thrown away, and one that does not answer, or goes, is given up."""
    channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    plain = conn.domain_create_xml(guests.boot_sector("plain"), 0)
    ref = conn.domain_create_xml(guests.boot_sector("port").replace("</devices>", f"{channel}</devices>"), 0)

    def refused(call: Callable[[], object]) -> tuple[int, str]:
        with pytest.raises(VirtError) as caught:
            call()
        return caught.value.code, caught.value.message

    assert refused(lambda: conn.domain_get_time(plain))[0] == ARGUMENT_UNSUPPORTED
    code, text = refused(lambda: conn.domain_fsfreeze(ref, [], 0))
    assert code == AGENT_UNRESPONSIVE and text.endswith("QEMU guest agent is not connected")

    behaviours: dict[str, object] = {
        "guest-get-time": {"return": 1_500_000_000_000_000_007},
        "guest-fstrim": {"error": {"class": "GenericError", "desc": "no room"}},
        "guest-set-time": None,
        "guest-get-host-name": "gone",
    }
    port = Port(root / "port", lambda request: behaviours[str(request["execute"])])
    monkeypatch.setattr(agent, "_port", lambda driver, guest: str(root / "port"))
    threads = [threading.Thread(target=conn.domain_get_time, args=(ref,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert port.most == 1
    now = conn.domain_get_time(ref)
    assert (now.seconds, now.nseconds) == (1_500_000_000, 7)
    assert refused(lambda: conn.domain_fstrim(ref, None, 0, 0)) == (
        INTERNAL_ERROR, "internal error: unable to execute QEMU agent command 'guest-fstrim': no room"
    )  # fmt: skip
    assert refused(lambda: conn.domain_get_hostname(ref, 0))[0] == AGENT_UNRESPONSIVE
    conn.domain_agent_set_response_timeout(ref, 1, 0)
    assert refused(lambda: conn.domain_set_time(ref, 5, 0, 0))[0] == AGENT_UNRESPONSIVE
    port.server.close()
