"""From a definition to a process that runs.

A start is written down before there is a process, and the process before it is QEMU: whoever is killed in between
leaves something that the next one finds and undoes (ending.py).
"""

import time
from datetime import datetime

from .. import errors
from ..constants import domain as const
from . import definitions, ending, helpers, journal, ownership, pinning, taps, tls
from .base import fail
from .blocks import chains
from .guests import RUNNING, STARTING, Guests
from .host import firmware, guestcpu, pcidevices, usbdevices
from .readying import (
    check_nodes,
    check_sockets,
    choose_ports,
    drop_missing,
    environment,
    launch,
    make_files,
    memory_lock,
    write_secrets,
)
from .store import Entry, Running, system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..hosts import Host, Process
    from ..xml.domain import Domain
    from .argv.launch import Launch
    from .driver import QemuDriver
    from .images import Image
    from .qmp import Monitor
    from .settings import Settings

#: Seconds in which QEMU must come up.
PATIENCE = 60.0
#: virDomainRunningReason -> detail of VIR_DOMAIN_EVENT_STARTED
STARTED = {
    const.DOMAIN_RUNNING_BOOTED: const.DOMAIN_EVENT_STARTED_BOOTED,
    const.DOMAIN_RUNNING_RESTORED: const.DOMAIN_EVENT_STARTED_RESTORED,
    const.DOMAIN_RUNNING_FROM_SNAPSHOT: const.DOMAIN_EVENT_STARTED_FROM_SNAPSHOT,
}
#: As much of what QEMU says goes into an error.
SAID = 4096


def start(
    driver: "QemuDriver",
    model: "Domain",
    paused: bool,
    transient: bool = False,
    saved: "tuple[str, Image] | None" = None,
    loadvm: str = "",
    begun: int = const.DOMAIN_RUNNING_BOOTED,
    new_variables: bool = False,
    arriving: "Callable[[Monitor, Running], None] | None" = None,
) -> None:
    """Run `model`, which becomes the live definition; call it with the domain's lock.

    `transient` says that there need not be a definition of it; `saved` is the file with the state to go on from, and
    where in it that begins, `loadvm` the internal snapshot to go on from; `begun` is why it runs
    (virDomainRunningReason); `new_variables` throws its firmware's variables away. `arriving(monitor, record)` has QEMU
    wait for a guest that migrates: it is starting until it is completed.

    Raises VirtError, and nothing has changed.
    """
    from .argv.machine import actions
    from .argv.memory import align
    from .argv.smp import gap_before
    from .storage.disks import locate

    actions(model)
    align(model)
    locate(driver.store, model.devices.disks)
    tls.choose(driver, model.devices.disks)
    if gap_before(model) is not None:
        text = "online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    firmware.choose(driver, model, new_variables)
    guestcpu.settle(driver, model)
    if model.launch_security is not None:
        from .host import sev

        sev.settle(driver, model)
    usbdevices.find_all(driver.host, model, begins=saved is None)
    drop_missing(driver, model, begins=saved is None)
    check_nodes(driver, model)
    store = driver.store
    images, detected = chains.detect(driver.host, model.devices.disks)
    with store.lock_all():
        if transient:
            from .define import check_unique

            check_unique(Guests(store), model, live=True)
        record = Running(model.name, model.uuid, store.next_id(), STARTING, Entry.of(model, ""))
        record.nodes, record.detected = images, detected
        launched = launch(driver, model, record.id)
        launched.incoming = saved is not None or arriving is not None
        launched.loadvm = loadvm
        record.begun = begun
        check_sockets(launched, model)
        choose_ports(driver, model, record)
        record.monitor, record.journal = launched.monitor, f"{launched.journal}{journal.OUTPUT}"
        record.paths = [launched.folder, launched.channel_folder, launched.memory, f"{launched.journal}{journal.INPUT}"]
        record.paths += launched.hugepages.values()
        if any(tpm.type == "emulator" and not tpm.persistent_state for tpm in model.devices.tpms):
            record.transient_paths = [driver.places.tpm(model.uuid)]
        model.id = record.id
        store.write_running(record)
    try:
        firmware.make_variables(driver, model, new_variables)
        pcidevices.take(driver, record, model)
        ownership.lend(driver, record, [*ownership.needs(model), *pcidevices.files(driver.host, model)])
        _run(driver, model, record, launched, paused, saved, arriving)
    except BaseException as error:
        taps.close(launched)
        ending.kill(driver, record)
        record.reason = const.DOMAIN_SHUTOFF_FAILED
        ending.finish(driver, record)
        if isinstance(error, OSError):
            raise system_error(error, f"cannot start domain '{model.name}'") from None
        raise


def _run(
    driver: "QemuDriver",
    model: "Domain",
    record: Running,
    launched: "Launch",
    paused: bool,
    saved: "tuple[str, Image] | None",
    arriving: "Callable[[Monitor, Running], None] | None",
) -> None:
    from .argv import build
    from .argv.aliases import assign
    from .qmp import Monitor

    store, host = driver.store, driver.host
    caps = definitions.capabilities(driver, model)
    assign(model)
    taps.open_all(driver, record, model, launched)
    argv = [*memory_lock(driver, model), *driver.user_prefix(), *build(model, caps, launched)]
    make_files(driver, launched, model)
    write_secrets(driver, launched)
    helpers.start_all(driver, model, record, launched)

    def write_down(process: "Process") -> None:
        record.process = process
        store.write_running(record)

    log = driver.places.console_log(model.name)
    before = host.stat(log)
    files = [file for files in launched.files.values() for file in files]
    host.spawn(argv, log=log, record=write_down, env=environment(model), files=files)
    taps.close(launched)
    try:
        _wait(driver, record)
        if model.vcpu_states:
            from .vcpus import plug_all

            with Monitor(host, record.monitor, PATIENCE) as monitor:
                plug_all(monitor, model)
        if saved is not None:
            _hand(host, record, *saved)
        monitor = Monitor(host, record.monitor, PATIENCE)
    except (OSError, errors.VirtError) as error:
        raise _why(driver, record, log, before.size if before else 0) or error from None
    host.remove(*launched.secrets)
    with monitor:
        if saved is not None:
            from .save import await_incoming

            await_incoming(monitor)
        if arriving is not None:
            arriving(monitor, record)
            definitions.write_live(store, model)
            return
        complete(driver, monitor, model, record)
        record.phase = RUNNING
        store.write_running(record)
        if not paused:
            monitor.execute("cont")
    ref = Guests(store).by_uuid[model.uuid].ref
    driver.publish(ref, const.DOMAIN_EVENT_STARTED, STARTED[record.begun])
    if paused and record.begun == const.DOMAIN_RUNNING_FROM_SNAPSHOT:
        driver.publish(ref, const.DOMAIN_EVENT_SUSPENDED, const.DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT)


def complete(driver: "QemuDriver", monitor: "Monitor", model: "Domain", record: Running) -> None:
    """Tell QEMU what the command line does not, and write down what only it knows."""
    pinning.pin(driver, monitor, model, record)
    _configure(driver.settings, monitor, model)
    _complete(monitor, model, record)
    definitions.write_live(driver.store, model)


def fill_memory(monitor: "Monitor", model: "Domain") -> None:
    """Write down where modules are in the guest's memory."""
    from ..xml.addresses import DimmAddress

    modules = {str(module.info.alias): module for module in model.devices.memories}
    for told in monitor.execute("query-memory-devices") if modules else ():
        module = modules.get(told["data"].get("id", ""))
        if module is not None and told["type"] in ("dimm", "nvdimm"):
            module.info.address = DimmAddress(type="dimm", slot=told["data"]["slot"], base=told["data"]["addr"])


def _why(driver: "QemuDriver", record: Running, log: str, start: int) -> "errors.VirtError | None":
    """The error for a QEMU that has ended, or is about to, with its own words; None for one that runs."""
    deadline = time.monotonic() + 0.5
    while record.process is not None and driver.host.alive([record.process])[0]:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)
    lines = driver.host.read(log, SAID, start).decode("utf-8", "replace").splitlines()
    said = "\n".join(line for line in lines if not line.startswith("char device redirected to"))
    hint = ""
    user = driver.settings.user()
    if user is not None and "Permission denied" in said:
        hint = f"guests run as {user[2] or user[0]}: let them use that file and enter all folders above it"
        hint += ", or set another user in qemu.conf"
    return fail(errors.INTERNAL_ERROR, f"process exited while connecting to monitor: {said}", hint=hint)


def _hand(host: "Host", record: "Running", path: str, image: "Image") -> None:
    """Let a QEMU that waits for it have the state that stands in a saved guest's file. Raises VirtError, OSError."""
    from .handing import hand

    if not image.format:
        hand(host, record.monitor, path, offset=image.offset)
        return
    from .packing import unpack

    work = f"{record.paths[0]}/state"
    try:
        unpack(host, path, image.offset, image.format, work)
        hand(host, record.monitor, work)
    finally:
        host.remove(work)


def _wait(driver: "QemuDriver", record: Running) -> None:
    """Wait until QEMU listens. Raises VirtError when it does not, OSError when it ends instead."""
    process = record.process
    assert process is not None
    deadline, pause = time.monotonic() + PATIENCE, 0.002
    while True:
        try:
            driver.host.open_stream(record.monitor).close()
            return
        except (FileNotFoundError, ConnectionRefusedError):
            if not driver.host.alive([process])[0]:
                raise
        if time.monotonic() > deadline:
            raise fail(errors.OPERATION_TIMEOUT, f"QEMU did not come up within {PATIENCE:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def _configure(settings: "Settings", monitor: "Monitor", model: "Domain") -> None:
    """What the command line does not say: passwords, limits, links, the balloon."""
    from ..xml.graphics import Spice, Vnc
    from .blocks.throttle import limit

    for graphics in model.devices.graphics:
        if not isinstance(graphics, Vnc | Spice):
            continue
        kind = "vnc" if isinstance(graphics, Vnc) else "spice"
        password = graphics.auth.password
        if password is None:
            password = settings.text(f"{kind}_password") or None
        if password is not None:
            arguments = {"protocol": kind, "password": password}
            if graphics.auth.connected:
                arguments["connected"] = graphics.auth.connected
            monitor.do("set_password", arguments)
            if graphics.auth.valid_to:
                moment = datetime.fromisoformat(f"{graphics.auth.valid_to}+00:00")
                monitor.execute("expire_password", protocol=kind, time=str(int(moment.timestamp())))
    for disk in model.devices.disks:
        if disk.iotune.limited and not disk.source.empty:
            limit(monitor, disk, disk.iotune)
    for net in model.devices.interfaces:
        if net.link == "down":
            monitor.execute("set_link", name=net.info.alias, up=False)
    balloons = [balloon for balloon in model.devices.memballoons if balloon.model != "none"]
    if balloons and model.current_memory < model.memory:
        monitor.execute("balloon", value=model.current_memory * 1024)
    if balloons and balloons[0].stats_period:
        path = f"/machine/peripheral/{balloons[0].info.alias}"
        monitor.execute("qom-set", path=path, property="guest-stats-polling-interval", value=balloons[0].stats_period)


def _complete(monitor: "Monitor", model: "Domain", record: Running) -> None:
    """Write into the live definition what only the running QEMU knows."""
    from .argv.chars import channel_path

    fill_memory(monitor, model)
    files = {entry["label"]: entry["filename"] for entry in monitor.execute("query-chardev")}
    devices = model.devices
    for device in (*devices.serials, *devices.parallels, *devices.channels, *devices.consoles):
        name = files.get(f"char{device.info.alias}", "")
        if device.source.type == "pty" and name.startswith("pty:"):
            device.source.pty = name.removeprefix("pty:")
    folder = record.paths[1]
    for channel in devices.channels:
        if channel.source.type == "unix" and not channel.source.socket:
            channel.source.mode, channel.source.socket = "bind", channel_path(folder, channel)
