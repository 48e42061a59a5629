"""Merging an image of a running domain into the one that it stands on, waiting for that."""

import contextlib

from ... import errors
from .. import definitions, ownership
from ..base import fail
from ..lifecycle import monitor_of
from ..qmp import CommandFailed
from . import blockstate, chains, jobcontrol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..driver import QemuDriver
    from ..guests import Guest


def merge_live(driver: "QemuDriver", guest: "Guest", target: str, upper: str) -> None:
    """Merge the image `upper` of a disk into the one below it; it may be the one that the guest writes to.

    Call it with the domain's lock. Raises VirtError.
    """
    record = guest.record
    assert record is not None
    model = definitions.read_live(driver.store, guest.uuid)
    disk = next(disk for disk in model.devices.disks if disk.target == target)
    layer = next(layer for layer in chains.layers(disk) if layer.source.path == upper)
    lower = next(chains.below_all(layer), None)
    if lower is None:
        raise fail(errors.OPERATION_FAILED, f"QEMU does not say what '{upper}' stands on")
    ownership.lend(driver, record, [(lower.source.path, True)] if lower.source.path else [])
    job = jobcontrol.commit_job(disk, layer, lower, delete=False)
    with monitor_of(driver, guest) as monitor:
        blockstate.look(driver, record, monitor)
        if not any(known.name == job.name for known in blockstate.jobs(record)):
            arguments = jobcontrol.commit_arguments(disk, layer, lower)
            jobcontrol.begin(driver, guest, monitor, job, "block-commit", arguments)
        if any(known.name == job.name and known.phase == blockstate.PIVOT for known in blockstate.jobs(record)):
            # Somebody wrote down that it is to change over, and was killed; whether QEMU was told nobody knows.
            with contextlib.suppress(CommandFailed):
                monitor.do("job-complete", {"id": job.name})
        else:
            jobcontrol.await_end(driver, guest, monitor, job.name, ready=True)
            for known in blockstate.jobs(record):
                if known.name == job.name:
                    jobcontrol.end(driver, guest, monitor, known, pivot=True)
        jobcontrol.await_end(driver, guest, monitor, job.name)
    model = definitions.read_live(driver.store, guest.uuid)
    if any(layer.source.path == upper for disk in model.devices.disks for layer in chains.layers(disk)):
        raise fail(errors.OPERATION_FAILED, f"'{upper}' could not be merged into '{chains.name_of(lower)}'")
