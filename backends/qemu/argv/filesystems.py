"""Folders of the host in the guest: 9p by QEMU itself, virtiofs by a program beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED
from ..base import fail
from .command import refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.filesystems import Filesystem
    from .command import Command

_SECURITY = {"mapped": "mapped", "passthrough": "passthrough", "squash": "none"}


def add(command: Command) -> None:
    for filesystem in command.domain.devices.filesystems:
        if filesystem.type != "mount":
            raise fail(CONFIG_UNSUPPORTED, "only supports mount filesystem type")
        if filesystem.driver == "virtiofs":
            _virtiofs(command, filesystem)
        elif filesystem.driver in ("", "path", "handle"):
            _9p(command, filesystem)
        else:
            raise refuse(filesystem, f"filesystem driver '{filesystem.driver}'")


def _9p(command: Command, filesystem: Filesystem) -> None:
    alias = filesystem.info.alias
    if filesystem.driver == "handle":
        parts = ["handle"]
    else:
        parts = ["local", f"security_model={_SECURITY[filesystem.accessmode]}"]
    if filesystem.multidevs:
        parts.append(f"multidevs={filesystem.multidevs}")
    for name, mode in (("fmode", filesystem.fmode), ("dmode", filesystem.dmode)):
        if mode:
            parts.append(f"{name}={mode:04o}")
    if filesystem.wrpolicy == "immediate":
        parts.append("writeout=immediate")
    parts += [f"id=fsdev-{alias}", f"path={command.escape(filesystem.dir or '')}"]
    if filesystem.readonly:
        parts.append("readonly")
    command.option("-fsdev", ",".join(parts))
    driver = virtio("virtio-9p", filesystem.model, filesystem.info)
    options, place = virtio_props(filesystem.virtio), command.place(filesystem.info)
    command.device(driver, **options, id=alias, fsdev=f"fsdev-{alias}", mount_tag=filesystem.target, **place)


def _virtiofs(command: Command, filesystem: Filesystem) -> None:
    alias = str(filesystem.info.alias)
    path = filesystem.socket or command.launch.socket(alias)
    command.option("-chardev", f"socket,id=chr-vu-{alias},path={command.escape(path)}")
    order = filesystem.boot.order if filesystem.boot is not None else None
    command.device(
        virtio("vhost-user-fs", None, filesystem.info),
        **virtio_props(filesystem.virtio),
        id=alias,
        chardev=f"chr-vu-{alias}",
        queue__size=filesystem.queue or None,
        tag=filesystem.target,
        bootindex=order,
        **command.place(filesystem.info),
    )
