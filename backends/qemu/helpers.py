"""Programs that serve one guest and end with it: TPMs (swtpm), shared folders (virtiofsd), networks (passt).

Each is recorded before it begins, as QEMU is, and waited for until its socket is there. They run as the guest does, but
for virtiofsd, which gives up what it does not need by itself.
"""

import time

from .. import errors
from ..common import uuid_text
from .base import fail
from .host import descriptors
from .readying import PATH, make_folder
from .store import system_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Process
    from ..xml.domain import Domain
    from ..xml.filesystems import Filesystem
    from ..xml.interfaces import Interface
    from ..xml.network_parts import PortForward
    from ..xml.tpm import Tpm
    from .argv.launch import Launch
    from .driver import QemuDriver
    from .store import Running

#: Seconds in which one must listen, and in which one must end when asked.
PATIENCE, GRACE = 10.0, 2.0
SIGTERM, SIGKILL = 15, 9
#: how much of what one says goes into an error
SAID = 1024


def start_all(driver: "QemuDriver", domain: "Domain", record: "Running", launched: "Launch") -> None:
    """Start what a domain needs, whose devices have their names. Raises VirtError; `stop_all` ends what runs then."""
    for tpm in domain.devices.tpms:
        if tpm.type == "emulator":
            _start_tpm(driver, domain, tpm, record, launched)
    for filesystem in domain.devices.filesystems:
        if filesystem.driver == "virtiofs" and filesystem.socket is None:
            start_virtiofsd(driver, domain, filesystem, record, launched)
    for net in domain.devices.interfaces:
        if net.backend == "passt":
            start_passt(driver, domain, net, record, launched)


def stop_all(driver: "QemuDriver", record: "Running") -> None:
    """End those of a guest that has ended; most have noticed by themselves."""
    deadline = time.monotonic() + GRACE
    for number in (SIGTERM, SIGKILL):
        left = [p for p, alive in zip(record.helpers, driver.host.alive(record.helpers), strict=True) if alive]
        for process in left:
            driver.host.signal(process, number)
        while left and any(driver.host.alive(left)) and time.monotonic() < deadline:
            time.sleep(0.01)
    record.helpers = []


def _start_tpm(driver: "QemuDriver", domain: "Domain", tpm: "Tpm", record: "Running", launched: "Launch") -> None:
    host, state = driver.host, tpm_state(driver, domain, tpm)
    log = driver.places.helper_log(domain.name, "swtpm")
    kind = ["--tpm2"] if tpm.version != "1.2" else []
    env = _tpm_environment(driver)
    if host.stat(state) is None:
        make_folder(driver, state)
        try:
            argv = ["swtpm_setup", *kind, "--tpm-state", state, "--vmid", f"{domain.name}:{uuid_text(domain.uuid)}"]
            argv += ["--createek", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--not-overwrite"]
            _set_up_tpm(driver, argv, env)
        except BaseException:
            host.remove(state)
            raise
    if tpm.pcr_banks:
        argv = ["swtpm_setup", *kind, "--tpm-state", state, "--pcr-banks", ",".join(tpm.pcr_banks), "--reconfigure"]
        _set_up_tpm(driver, argv, env)
    path = launched.socket(str(tpm.info.alias))
    argv = ["swtpm", "socket", *kind, "--ctrl", f"type=unixio,path={path},mode=0600", "--terminate"]
    argv += ["--tpmstate", f"dir={state},mode=0600"]
    _start(driver, record, [*driver.user_prefix(), *argv], path, log, env)


def tpm_state(driver: "QemuDriver", domain: "Domain", tpm: "Tpm") -> str:
    """The folder that keeps what a TPM knows."""
    return f"{driver.places.tpm(domain.uuid)}/{'tpm1.2' if tpm.version == '1.2' else 'tpm2'}"


def _tpm_environment(driver: "QemuDriver") -> "dict[str, str]":
    """The certificates of TPMs are signed by an authority of our own."""
    folder = f"{driver.places.lib}/swtpm/authority"
    env = {"LC_ALL": "C", "PATH": PATH, "HOME": folder, "TMPDIR": folder, "XDG_CONFIG_HOME": folder}
    if driver.host.stat(folder) is None:
        make_folder(driver, folder)
        try:
            root = driver.host.me()[0] == 0 and not driver.user_prefix()
            _set_up_tpm(driver, ["swtpm_setup", "--create-config-files", *(["root"] if root else [])], env)
        except BaseException:
            driver.host.remove(folder)
            raise
    return env


def _set_up_tpm(driver: "QemuDriver", argv: "list[str]", env: "dict[str, str]") -> None:
    words = [f"{name}={value}" for name, value in env.items()]
    try:
        done = driver.host.run([*driver.user_prefix(), "env", "-i", *words, *argv], timeout=60)
    except OSError as error:
        raise system_error(error, argv[0]) from None
    if done.status:
        said = (done.stdout + done.stderr)[-SAID:].decode("utf-8", "replace").strip()
        hint = "install swtpm and swtpm-tools" if done.status == 127 else ""
        text = f"Could not run '{argv[0]}'. exitstatus: {done.status}: {said}"
        raise fail(errors.INTERNAL_ERROR, text, hint=hint)


def start_virtiofsd(
    driver: "QemuDriver", domain: "Domain", filesystem: "Filesystem", record: "Running", launched: "Launch"
) -> None:
    alias = str(filesystem.info.alias)
    path = launched.socket(alias)
    argv = [filesystem.binary or _find_program(driver, "fs", "virtiofsd"), f"--socket-path={path}"]
    if filesystem.thread_pool >= 0:
        argv.append(f"--thread-pool-size={filesystem.thread_pool}")
    escaped = (filesystem.dir or "").replace("\\", "\\\\").replace(",", "\\,")
    parts = [f"source={escaped}"]
    if filesystem.cache:
        parts.append(f"cache={filesystem.cache}")
    if filesystem.sandbox:
        parts.append(f"sandbox={filesystem.sandbox}")
    for name, value in (
        ("xattr", filesystem.xattr),
        ("flock", filesystem.lock_flock),
        ("posix_lock", filesystem.lock_posix),
    ):
        if value is not None:
            parts.append(name if value else f"no_{name}")
    argv += ["-o", ",".join(parts)]
    log = driver.places.helper_log(domain.name, f"{alias}-virtiofsd")
    _start(driver, record, argv, path, log, {"LC_ALL": "C", "PATH": PATH})
    driver.give(path)


def _find_program(driver: "QemuDriver", kind: str, name: str) -> str:
    for descriptor in descriptors.read_all(driver.host, "vhost-user", ("type", "binary")):
        if descriptor["type"] == kind:
            return str(descriptor["binary"])
    raise fail(errors.OPERATION_FAILED, f"Unable to find a satisfying {name}")


def start_passt(
    driver: "QemuDriver", domain: "Domain", net: "Interface", record: "Running", launched: "Launch"
) -> None:
    path = launched.socket(str(net.info.alias))
    argv = [*driver.user_prefix(), "passt", "--foreground", "--one-off", "--socket", path, "--quiet"]
    argv += ["--mac-addr", net.mac.hex(":")]
    if net.user_dev:
        argv += ["--interface", net.user_dev]
    if net.backend_log:
        argv += ["--log-file", net.backend_log]
    for ip in net.ips:
        argv += ["--address", str(ip.address)]
        if ip.prefix and ip.family == "ipv4":
            argv += ["--netmask", str(ip.prefix)]
    for forward in net.port_forwards:
        argv += [f"--{forward.proto}-ports", _forwarded(forward)]
    log = driver.places.helper_log(domain.name, f"{net.info.alias}-passt")
    _start(driver, record, argv, path, log, {"LC_ALL": "C", "PATH": PATH})


def _forwarded(forward: "PortForward") -> str:
    """Ports of the host that lead to the guest, in passt's terms."""
    where = forward.address or ""
    if forward.dev:
        where += f"%{forward.dev}"
    parts = []
    for ports in forward.ranges:
        part = f"~{ports.start}" if ports.exclude else str(ports.start)
        if ports.end:
            part += f"-{ports.end}"
        if ports.to:
            part += f":{ports.to}" + (f"-{ports.to + ports.end - ports.start}" if ports.end else "")
        parts.append(part)
    return (f"{where}/" if where and parts else where) + ",".join(parts) or "all"


def _start(
    driver: "QemuDriver", record: "Running", argv: "list[str]", path: str, log: str, env: "dict[str, str]"
) -> None:
    host = driver.host

    def write_down(process: "Process") -> None:
        record.helpers.append(process)
        driver.store.write_running(record)

    name = argv[len(driver.user_prefix()) if argv[0] == "setpriv" else 0]
    stat = host.stat(log)
    before = stat.size if stat is not None else 0
    process = host.spawn(argv, log=log, record=write_down, env=env)
    deadline = time.monotonic() + PATIENCE
    while host.stat(path) is None:
        if not host.alive([process])[0]:
            said = host.read(log, SAID, before).decode("utf-8", "replace").strip()
            raise fail(errors.INTERNAL_ERROR, f"{name} ended before it was ready: {said}")
        if time.monotonic() > deadline:
            raise fail(errors.OPERATION_TIMEOUT, f"{name} did not come up within {PATIENCE:.0f} s")
        time.sleep(0.005)
