"""Backups of running domains: written to files by QEMU (push), or served by it over NBD (pull).

A backup is a block job for each disk, written down like others (blockstate.py), and a document of its own beside the
domain's run-time state. Whoever looks after the last of its jobs has ended puts all away.
"""

import time

from ... import errors
from ...constants import domain as const
from ...moment_queries import CHECKPOINT
from .. import definitions, ownership, tls
from ..base import QemuBase, call, fail
from ..lifecycle import monitor_of
from ..snapshots.overlays import named_nodes, run_job
from ..store import system_error
from . import backupjobs, bitmaps, blockstate, chains, checkpoints, opening, trees
from .blockstate import ABORT, BACKUP, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...records import DomainRef
    from ...xml.disks import Disk
    from ...xml.resources.backup import Backup, BackupDisk
    from ...xml.storage import BackingStore
    from ..driver import QemuDriver
    from ..guests import Guest
    from ..plans import Plan
    from ..qmp import Monitor
    from ..store import Running


#: QEMU's object for the certificates of what serves.
CREDENTIALS = "libvirt_backup_tls0"
LAST_PORT = 65535


class BackupCalls(QemuBase):
    """Backups of running domains."""

    @call("qemuBackupBegin", const.DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL)
    def domain_backup_begin(
        self, dom: "DomainRef", backup_xml: str, checkpoint_xml: "str | None", flags: int = 0
    ) -> None:
        from ...xml.resources.backup import Backup
        from ...xml.resources.checkpoint import Checkpoint
        from ..argv.refused import refuse_newer

        if not self._guest(dom).active:
            raise fail(errors.OPERATION_UNSUPPORTED, "cannot perform disk backup for inactive domain")
        backup = Backup.read_text(backup_xml)
        refuse_newer(backup)
        checkpoint = None
        if checkpoint_xml is not None:
            rules, now = definitions.StoredRules(), int(time.time())
            checkpoint = Checkpoint.read_text(checkpoint_xml, rules, now, redefine=False, validate=True)
        with self._lock(dom):
            guest = self._active(dom)
            assert guest.record is not None
            if backupjobs.of(guest.record):
                raise fail(errors.OPERATION_INVALID, "another backup of the domain is under way")
            begun = _Beginning(self.driver, guest, backup, bool(flags))
            begun.check(checkpoint.name if checkpoint is not None else str(int(time.time())))
            plan: Plan | None = None
            actions: list[bitmaps.Action] = []
            if checkpoint is not None:
                plan, actions = checkpoints.begin(self.driver, guest, checkpoint)
            with monitor_of(self.driver, guest) as monitor:
                begun.carry_out(monitor, plan, actions)

    @call("qemuBackupGetXMLDesc")
    def domain_backup_get_xml_desc(self, dom: "DomainRef", flags: int = 0) -> str:
        guest = self._guest(dom)
        if guest.record is None or not backupjobs.of(guest.record):
            raise fail(errors.NO_DOMAIN_BACKUP, "no domain backup job present")
        return self.driver.host.read(backupjobs.document(self.driver, guest.uuid)).decode("utf-8", "surrogateescape")


class _Beginning:
    """A backup that is to begin; `reuse` says that the files are there."""

    def __init__(self, driver: "QemuDriver", guest: "Guest", backup: "Backup", reuse: bool):
        self.driver, self.guest, self.backup, self.reuse = driver, guest, backup, reuse
        self.pull = backup.mode == "pull"
        self.live = definitions.read_live(driver.store, guest.uuid)
        self.live.id = guest.id
        self.parts: list[tuple[BackupDisk, Disk]] = []
        self.made: list[str] = []
        self.opened: list[str] = []
        self.layers: list[BackingStore] = []

    def check(self, suffix: str) -> None:
        """Complete it. Raises VirtError."""
        live = self.live
        self.backup.align(live, suffix)
        disks = {disk.target: disk for disk in live.devices.disks}
        self.parts = [(entry, disks[entry.name]) for entry in self.backup.disks if entry.backup]
        if not self.parts:
            raise fail(errors.INVALID_ARG, "no disks selected for backup")
        server = self.backup.server
        if server is not None and server.transport != "unix" and not server.port:
            raise fail(errors.OPERATION_UNSUPPORTED, "<domainbackup> must specify TCP port for now")
        if server is not None and server.port > LAST_PORT:
            raise fail(errors.INVALID_ARG, f"port '{server.port}' out of range")
        tree = trees.load(self.driver.store, CHECKPOINT, self.guest.name)
        for entry, disk in self.parts:
            if blockstate.on(self.guest.record, disk.target) is not None:
                raise fail(errors.BLOCK_COPY_ACTIVE, f"disk '{disk.target}' already in active block job")
            if entry.incremental and entry.incremental not in tree:
                text = f"Checkpoint '{entry.incremental}' for incremental backup of disk '{entry.name}' not found"
                raise fail(errors.NO_DOMAIN_CHECKPOINT, text)
            if entry.format != "qcow2" and (self.pull or entry.incremental):
                text = "currently only qcow2 storage format is supported for backup storage"
                raise fail(errors.CONFIG_UNSUPPORTED, text)
            self._check_file(entry)

    def _check_file(self, entry: "BackupDisk") -> None:
        path = str(entry.store.path)
        stat = self.driver.host.stat(path)
        if stat is None and (self.reuse or entry.type == "block"):
            raise system_error(FileNotFoundError(2, "No such file or directory"), f"unable to stat: {path}")
        if stat is not None and not self.reuse and not stat.block and stat.size:
            raise fail(errors.INVALID_ARG, f"store '{path}' for backup of '{entry.name}' exists")

    def carry_out(self, monitor: "Monitor", plan: "Plan | None", actions: "list[bitmaps.Action]") -> None:
        """Begin it, and make a checkpoint at that moment if there is a plan of one. Raises VirtError."""
        record = self.guest.record
        assert record is not None
        known = bitmaps.all_of(monitor)
        sizes = {node["node-name"]: node["image"]["virtual-size"] for node in named_nodes(monitor)}
        served = False
        try:
            for entry, disk in self.parts:
                actions = actions + self._prepare(monitor, entry, disk, known, sizes)
            text = self.backup.format().encode("utf-8", "surrogateescape")
            self.driver.host.write(backupjobs.document(self.driver, self.guest.uuid), text)
            for entry, disk in self.parts:
                blockstate.write(self.driver, record, _job(entry, disk, self.backup.mode))
            if self.pull:
                self._serve(monitor)
                served = True
            if plan is not None:
                checkpoints.carry_out(self.driver, self.guest, plan, monitor, actions)
            else:
                monitor.execute("transaction", actions=actions)
            for entry, _ in self.parts if self.pull else ():
                monitor.do("block-export-add", _export(entry))
        except BaseException:
            self._undo(monitor, served)
            raise

    def _prepare(
        self, monitor: "Monitor", entry: "BackupDisk", disk: "Disk", known: "bitmaps.Bitmaps", sizes: "dict[str, int]"
    ) -> "list[bitmaps.Action]":
        """Open what a disk is written to; what QEMU has to do for the disk at the moment of the backup."""
        from ...xml.storage import BackingStore
        from ..argv.disks import image

        driver, record, node = self.driver, self.guest.record, chains.nodes(disk)[0]
        assert record is not None
        actions: list[bitmaps.Action] = []
        bitmap = f"backup-{entry.name}"
        if entry.incremental:
            sources = bitmaps.recorded(disk, entry.incremental, known)
            if sources is None:
                raise checkpoints.inconsistent(entry.incremental, str(entry.name))
            actions += bitmaps.collect(disk, bitmap, sources)
        record.nodes += 1
        entry.index = record.nodes
        driver.store.write_running(record)
        path, below = str(entry.store.path), BackingStore()
        if self.pull:
            below = BackingStore(type=disk.type, index=disk.index, format=chains.format_of(disk))
        layer = BackingStore(type=entry.type, index=entry.index, format=entry.format, inner=below)
        chains.set_source(layer.source, entry.type, path)
        layer.source.encryption = entry.store.encryption
        self.layers.append(layer)
        opening.unlock(driver, monitor, self.live, disk, layer)
        storage, format = image(disk, layer, readonly=False)
        if entry.type == "file" and not self.reuse:
            driver.host.write(path, b"", 0o600)
            self.made.append(path)
            ownership.hand_over(driver, path, record)
            if entry.format == "raw" and layer.source.encryption is None:
                file = {"driver": "file", "filename": path, "size": sizes[node]}
                run_job(monitor, "blockdev-create", {"options": file})
        monitor.do("blockdev-add", storage)
        self.opened.append(str(storage["node-name"]))
        more = {}
        if self.pull or entry.incremental:
            more = {"backing-file": chains.name_of(disk), "backing-fmt": chains.format_of(disk)}
        options = opening.making(layer, storage["node-name"], sizes[node], more)
        if not self.reuse and options is not None:
            run_job(monitor, "blockdev-create", {"options": options})
        monitor.do("blockdev-add", format)
        self.opened.append(str(format["node-name"]))
        data = {
            "device": node,
            "job-id": _job(entry, disk, self.backup.mode).name,
            "target": format["node-name"],
            "sync": "none" if self.pull else "incremental" if entry.incremental else "full",
            "auto-finalize": True,
            "auto-dismiss": False,
        }
        if entry.incremental and not self.pull:
            data["bitmap"] = bitmap
        return [*actions, {"type": "blockdev-backup", "data": data}]

    def _serve(self, monitor: "Monitor") -> None:
        server = self.backup.server
        assert server is not None
        if server.transport == "unix":
            address: dict[str, Any] = {"type": "unix", "data": {"path": server.socket}}
        else:
            address = {"type": "inet", "data": {"host": server.name, "port": str(server.port)}}
        told: dict[str, Any] = {"addr": address}
        try:
            if server.tls:
                tls.add(self.driver, monitor, "backup", CREDENTIALS, serves=True)
                told["tls-creds"] = CREDENTIALS
            monitor.do("nbd-server-start", told)
        except BaseException:
            tls.remove(monitor, CREDENTIALS)
            raise

    def _undo(self, monitor: "Monitor", served: bool) -> None:
        record = self.guest.record
        assert record is not None
        for entry, disk in self.parts:
            job = _job(entry, disk, self.backup.mode)
            blockstate.forget(monitor, "block-job-cancel", "device", job.name)
            bitmaps.drop(monitor, chains.nodes(disk)[0], f"backup-{entry.name}")
            blockstate.drop(self.driver, record, job)
        if served:
            _stop_serving(monitor)
        for node in reversed(self.opened):
            blockstate.forget(monitor, "blockdev-del", "node-name", node)
        for layer in self.layers:
            opening.lock(monitor, layer)
        self.driver.host.remove(backupjobs.document(self.driver, self.guest.uuid), *self.made)


def _job(entry: "BackupDisk", disk: "Disk", mode: str) -> Job:
    name = f"backup-{disk.target}-{chains.nodes(disk)[0]}"
    return Job(name, BACKUP, str(disk.target), disk.index, entry.index, delete=mode == "pull")


def _export(entry: "BackupDisk") -> "dict[str, Any]":
    node = chains.nodes_of(entry.index)[0]
    told = {"type": "nbd", "id": f"vsh-nbd-{node}", "node-name": node, "writable": False, "name": entry.exportname}
    return told | ({"bitmaps": [f"backup-{entry.name}"]} if entry.incremental else {})


def conclude(
    driver: "QemuDriver", record: "Running", job: Job, outcome: int, monitor: "Monitor | None", dismiss: bool
) -> int:
    """Put away what belonged to one disk's part of a backup, and after the last all else; how it ended."""
    if job.phase == ABORT:
        outcome = blockstate.CANCELED
    if monitor is not None:
        if dismiss:
            blockstate.forget(monitor, "job-dismiss", "id", job.name)
        node, storage = chains.nodes_of(job.base)
        blockstate.forget(monitor, "block-export-del", "id", f"vsh-nbd-{node}")
        for name in (node, storage):
            _close(monitor, name)
        blockstate.forget(monitor, "object-del", "id", chains.secret_of(node))
        bitmaps.drop(monitor, chains.nodes_of(job.top)[0], f"backup-{job.target}")
    blockstate.drop(driver, record, job)
    if not backupjobs.of(record):
        _put_away(driver, record, monitor, outcome)
    return outcome


def _stop_serving(monitor: "Monitor") -> None:
    from ..qmp import CommandFailed

    try:
        monitor.execute("nbd-server-stop")
    except CommandFailed:
        pass  # somebody has been here
    tls.remove(monitor, CREDENTIALS)


def _close(monitor: "Monitor", node: str) -> None:
    """Close an image whose readers may only just be leaving."""
    from ..qmp import CommandFailed

    for _ in range(50):
        try:
            monitor.do("blockdev-del", {"node-name": node})
            return
        except CommandFailed as error:
            if "in use" not in str(error):
                return
            time.sleep(0.01)


def _put_away(driver: "QemuDriver", record: "Running", monitor: "Monitor | None", outcome: int) -> None:
    from ...xml.resources.backup import Backup

    path = backupjobs.document(driver, record.uuid)
    try:
        backup = Backup.read_text(driver.host.read(path).decode("utf-8", "surrogateescape"))
    except (FileNotFoundError, errors.VirtError):
        return
    files = [str(e.store.path) for e in backup.disks if e.backup and e.type == "file" and e.store.path]
    ownership.take_back(driver, record, files)
    if backup.mode == "pull":
        if monitor is not None:
            _stop_serving(monitor)
        if backup.server is not None and backup.server.transport == "unix" and backup.server.socket:
            driver.host.remove(backup.server.socket)
        driver.host.remove(*files)
    backupjobs.keep(driver, record, path, [_name_of(entry) for entry in backup.disks if entry.backup], outcome)
    driver.host.remove(path)


def _name_of(entry: "BackupDisk") -> str:
    return f"backup-{entry.name}-"
