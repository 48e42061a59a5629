"""Disks that move with their guest: mirrored to an NBD server of the destination's QEMU until it runs there."""

import contextlib
import time

from ... import errors
from ...constants import domain as const
from .. import ownership
from ..base import fail
from ..qmp import CommandFailed, Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...params import TypedParams
    from ...xml.disks import Disk
    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..store import Running

#: What jobs, nodes and handed sockets of a migration are called, before a disk's alias.
PREFIX = "vsh-migration-"
#: What QEMU says of a job that somebody gave up.
CANCELED = "Operation canceled"


def _writable(model: "Domain") -> "list[Disk]":
    return [
        disk
        for disk in model.devices.disks
        if disk.device in ("disk", "lun") and not disk.source.empty and not disk.readonly and not disk.shareable
    ]


def local_files(model: "Domain") -> "list[str]":
    """Images that another machine may not see as this one does."""
    return [str(disk.source.file) for disk in model.devices.disks if disk.type == "file" and not disk.source.empty]


def disks(driver: "QemuDriver", model: "Domain", given: "TypedParams") -> "list[dict[str, Any]]":
    """What the destination must know of the disks that are to be copied. Raises VirtError."""
    import json

    chosen = [value for name, _, value in given.items if name == "migrate_disks"]
    targets = [disk.target for disk in model.devices.disks]
    for name in chosen:
        if name not in targets:
            raise fail(errors.INVALID_ARG, f"disk target {name} not found")
    found = []
    for disk in _writable(model):
        if chosen and disk.target not in chosen:
            continue
        if disk.type != "file":
            raise fail(errors.OPERATION_UNSUPPORTED, f"cannot copy disk '{disk.target}' of type '{disk.type}'")
        path = str(disk.source.file)
        done = driver.host.run(["qemu-img", "info", "-U", "--output=json", path], timeout=60)
        if done.status:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise fail(errors.OPERATION_FAILED, f"cannot look at '{path}': {said}")
        told = json.loads(done.stdout)
        found.append(
            {
                "target": disk.target,
                "format": disk.driver.type or "raw",
                "size": told["virtual-size"],
                "base": told.get("full-backing-filename", ""),
                "base_format": told.get("backing-filename-format", "raw"),
            }
        )
    return found


def make_missing(driver: "QemuDriver", model: "Domain", wanted: "list[dict[str, Any]]", increment: bool) -> "list[str]":
    """Make the images of the destination's `model` that are not there yet; their paths. Raises VirtError."""
    host = driver.host
    paths = {disk.target: str(disk.source.file) for disk in model.devices.disks}
    made: list[str] = []
    for disk in wanted:
        path = paths.get(disk["target"], "")
        if not path or host.stat(path) is not None:
            continue
        argv = ["qemu-img", "create", "-q", "-f", disk["format"]]
        if increment and disk["base"]:
            argv += ["-b", disk["base"], "-F", disk["base_format"]]
        done = host.run([*argv, path, str(disk["size"])], timeout=600)
        if done.status:
            host.remove(*made)
            said = done.stderr.decode("utf-8", "replace").strip()
            raise fail(errors.OPERATION_FAILED, f"cannot make '{path}' for the disk {disk['target']}: {said}")
        made.append(path)
        ownership.hand_over(driver, path)
    return made


def serve(
    monitor: "Monitor",
    model: "Domain",
    wanted: "list[dict[str, Any]]",
    address: "dict[str, Any]",
    credentials: "str | None",
) -> None:
    """Have the destination's QEMU offer its disks for writing, over TLS with `credentials`."""
    told = {"tls-creds": credentials} if credentials else {}
    monitor.do("nbd-server-start", {"addr": address, **told})
    for disk in model.devices.disks:
        if any(disk.target == one["target"] for one in wanted):
            alias = str(disk.info.alias)
            node = _node(monitor, alias)
            export = {"type": "nbd", "id": PREFIX + alias, "node-name": node, "writable": True, "name": alias}
            monitor.do("block-export-add", export)


def _node(monitor: "Monitor", alias: str) -> str:
    """The node that a disk's device uses."""
    for entry in monitor.execute("query-block"):
        if alias in str(entry.get("qdev", "")).split("/") or entry.get("device") == alias:
            node: str = entry["inserted"]["node-name"]
            return node
    raise fail(errors.INTERNAL_ERROR, f"QEMU has no disk '{alias}'")


def begin(
    driver: "QemuDriver",
    monitor: "Monitor",
    told: "dict[str, Any]",
    flags: int,
    given: "TypedParams",
    tls: "dict[str, str]",
) -> None:
    """Mirror the source's disks to the destination; `tls` are further properties of the connection."""
    server = told["server"]
    for disk in told["disks"]:
        alias = disk["alias"]
        if server["type"] == "unix":
            with contextlib.closing(driver.host.open_stream(server["path"])) as stream:
                monitor.give_file(PREFIX + alias, stream.fileno())
            address = {"type": "fd", "str": PREFIX + alias}
        else:
            address = server
        node = {"driver": "nbd", "node-name": PREFIX + alias, "server": address, "export": alias, "discard": "unmap"}
        node |= tls
        monitor.do("blockdev-add", node)
        speed = int(given.get("bandwidth") or 0) << 20
        mirror = {"job-id": PREFIX + alias, "device": _node(monitor, alias), "target": PREFIX + alias, "speed": speed}
        mirror["sync"] = "top" if flags & const.MIGRATE_NON_SHARED_INC else "full"
        waits = flags & const.MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES
        mirror |= {"auto-dismiss": False, "copy-mode": "write-blocking" if waits else "background"}
        monitor.do("blockdev-mirror", mirror)


def await_all(driver: "QemuDriver", record: "Running", wanted: "list[dict[str, Any]]") -> None:
    """Wait until all disks are the same on both sides. Raises VirtError."""
    pause = 0.01
    while True:
        with Monitor(driver.host, record.monitor) as monitor:
            if check(monitor, wanted):
                return
        time.sleep(pause)
        pause = min(pause * 1.5, driver.host.pause)


def check(monitor: "Monitor", wanted: "list[dict[str, Any]]") -> bool:
    """Whether all disks are the same on both sides. Raises VirtError when one's job has ended."""
    jobs = {job["id"]: job for job in monitor.execute("query-jobs")}
    for disk in wanted:
        job = jobs.get(PREFIX + disk["alias"])
        if job is None or job["status"] in ("concluded", "aborting", "null"):
            said = (job or {}).get("error", "")
            if said in ("", CANCELED):
                raise fail(errors.OPERATION_ABORTED, "migration out job: canceled by client")
            raise fail(errors.OPERATION_FAILED, f"migration of disk {disk['target']} failed: {said}")
    return all(jobs[PREFIX + disk["alias"]]["status"] == "ready" for disk in wanted)


def end(monitor: "Monitor", wanted: "list[dict[str, Any]]") -> None:
    """Finish mirroring, now that the guest stands still: what it wrote is on the other side."""
    for disk in wanted:
        monitor.execute("block-job-cancel", device=PREFIX + disk["alias"])
    for disk in wanted:
        name = PREFIX + disk["alias"]
        while True:
            job = next((job for job in monitor.execute("query-jobs") if job["id"] == name), None)
            if job is None or job["status"] == "concluded":
                break
            time.sleep(0.005)
        if job is not None and job.get("error"):
            raise fail(errors.OPERATION_FAILED, f"migration of disk {disk['target']} failed: {job['error']}")
    undo(monitor)


def undo(monitor: "Monitor") -> None:
    """Take away what mirroring has left in QEMU."""
    for job in monitor.execute("query-jobs"):
        if not job["id"].startswith(PREFIX):
            continue
        if job["status"] != "concluded":
            _try(monitor, "block-job-cancel", {"device": job["id"], "force": True})
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            now = next((other for other in monitor.execute("query-jobs") if other["id"] == job["id"]), None)
            if now is None:
                break
            if now["status"] == "concluded":
                _try(monitor, "job-dismiss", {"id": job["id"]})
                break
            time.sleep(0.01)
    for node in monitor.execute("query-named-block-nodes", flat=True):
        if str(node.get("node-name", "")).startswith(PREFIX):
            _try(monitor, "blockdev-del", {"node-name": node["node-name"]})


def _try(monitor: "Monitor", command: str, arguments: "dict[str, Any]") -> None:
    try:
        monitor.do(command, arguments)
    except CommandFailed:
        pass  # it has gone by itself
