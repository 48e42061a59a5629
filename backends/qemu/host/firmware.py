"""Firmware: the one a domain gets, chosen from the descriptors that come with it, and the guest's own variables.

Of the descriptors that come with firmware the first that fits, by name, is taken.
"""

from ... import errors
from ..base import fail
from ..store import system_error
from . import descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...xml.domain import Domain
    from ..driver import QemuDriver
    from ..places import Places

#: of a descriptor
PARTS = ("interface-types", "targets", "features", "mapping")
#: <os firmware>, or type of a <loader> -> type of interface
INTERFACES = {"efi": "uefi", "bios": "bios", "pflash": "uefi", "rom": "bios"}
#: Variables to begin with, by loader, for firmware without a descriptor; `nvram` of qemu.conf says otherwise.
TEMPLATES = (
    "/usr/share/OVMF/OVMF_CODE.fd:/usr/share/OVMF/OVMF_VARS.fd",
    "/usr/share/OVMF/OVMF_CODE.secboot.fd:/usr/share/OVMF/OVMF_VARS.fd",
    "/usr/share/AAVMF/AAVMF_CODE.fd:/usr/share/AAVMF/AAVMF_VARS.fd",
    "/usr/share/AAVMF/AAVMF32_CODE.fd:/usr/share/AAVMF/AAVMF32_VARS.fd",
)


def has_variables(domain: "Domain") -> bool:
    """Whether a domain's firmware, which it names itself, keeps variables in a file."""
    loader = domain.os.loader
    return (
        not domain.os.firmware
        and loader is not None
        and loader.type == "pflash"
        and loader.readonly is True
        and loader.stateless is not True
    )


def name_variables(domain: "Domain", places: "Places") -> None:
    """Say where the variables of a domain are that has some."""
    from ...xml.boot import Nvram

    if has_variables(domain):
        nvram = domain.os.nvram = domain.os.nvram or Nvram()
        if not nvram.given:
            nvram.path = places.nvram(domain.name)


def variables(domain: "Domain", places: "Places") -> "str | None":
    """The file with a domain's variables, whether it is there or not."""
    nvram = domain.os.nvram
    if nvram is not None and nvram.given:
        return nvram.path if not nvram.type else nvram.source.file if nvram.type == "file" else None
    return places.nvram(domain.name) if domain.os.firmware == "efi" else None


def choose(driver: "QemuDriver", domain: "Domain", new_variables: bool = False) -> None:
    """Put firmware, and a template of its variables, into a domain that is to run and names none.

    Raises VirtError when there is none that fits.
    """
    host, system = driver.host, domain.os
    if not system.firmware:
        nvram = system.nvram
        if not has_variables(domain) or nvram is None or nvram.template:
            return
        path = variables(domain, driver.places)
        if path is None or (host.stat(path) is not None and not new_variables):
            return
    for descriptor in descriptors.read_all(host, "firmware", PARTS):
        if _fits(domain, descriptor):
            _use(domain, descriptor, driver.places)
            return
    if system.firmware:
        raise fail(errors.OPERATION_FAILED, f"Unable to find any firmware to satisfy '{system.firmware}'")


def offered(driver: "QemuDriver", arch: str, machine: str) -> "list[dict[str, Any]]":
    """The descriptors of all firmware that a machine can have."""
    all_ = descriptors.read_all(driver.host, "firmware", PARTS)
    return [descriptor for descriptor in all_ if _for_machine(descriptor, arch, machine)]


def _for_machine(descriptor: "dict[str, Any]", arch: str, machine: str) -> bool:
    from fnmatch import fnmatchcase

    return any(
        target["architecture"] == arch and any(fnmatchcase(machine, pattern) for pattern in target["machines"])
        for target in descriptor["targets"]
    )


def _fits(domain: "Domain", descriptor: "dict[str, Any]") -> bool:
    system, mapping, offered = domain.os, descriptor["mapping"], set(descriptor["features"])
    loader = system.loader
    flash = mapping["device"] == "flash"
    if not system.firmware and loader is not None and not (flash and mapping["executable"]["filename"] == loader.path):
        return False
    wanted = system.firmware or (loader.type if loader is not None else "")
    if INTERFACES.get(wanted) not in descriptor["interface-types"]:
        return False
    if not _for_machine(descriptor, system.arch, system.machine or ""):
        return False
    sleep = ((domain.pm.suspend_to_mem, "acpi-s3"), (domain.pm.suspend_to_disk, "acpi-s4"))
    if any(enabled and name not in offered for enabled, name in sleep):
        return False
    if any(feature.enabled != (feature.name in offered) for feature in system.firmware_features):
        return False
    if loader is not None and loader.secure and "requires-smm" not in offered:
        return False
    mode = "stateless" if loader is not None and loader.stateless else "split"
    return not flash or mapping.get("mode", "split") == mode


def _use(domain: "Domain", descriptor: "dict[str, Any]", places: "Places") -> None:
    from ...xml.boot import Loader, Nvram
    from ...xml.features import Smm

    system, mapping = domain.os, descriptor["mapping"]
    if mapping["device"] == "flash":
        for part in ("executable", "nvram-template"):
            if mapping[part]["format"] != "raw":
                what = f"unsupported format '{mapping[part]['format']}' of a firmware's {part}"
                raise fail(errors.OPERATION_UNSUPPORTED, what)
        loader = system.loader = system.loader or Loader()
        loader.type, loader.readonly, loader.path = "pflash", True, mapping["executable"]["filename"]
        nvram = system.nvram = system.nvram or Nvram()
        nvram.template = mapping["nvram-template"]["filename"]
        if not nvram.given:
            nvram.path = places.nvram(domain.name)
    elif mapping["device"] == "kernel":
        system.kernel = mapping["filename"]
    else:
        loader = system.loader = system.loader or Loader()
        loader.type, loader.path = "rom", mapping["filename"]
    if "requires-smm" in descriptor["features"]:
        smm = domain.features.smm = domain.features.smm or Smm()
        if smm.state is False:
            raise fail(errors.OPERATION_INVALID, "domain has SMM turned off but chosen firmware requires it")
        smm.state = True
        if system.loader is not None:
            system.loader.secure = True
    system.firmware, system.firmware_features = "", []


def make_variables(driver: "QemuDriver", domain: "Domain", new: bool) -> None:
    """Give a domain that is about to run a file with variables if it has none, or `new` ones.

    Raises VirtError when it is not known which to begin with, or they cannot be written.
    """
    host, nvram, loader = driver.host, domain.os.nvram, domain.os.loader
    path = variables(domain, driver.places)
    if nvram is None or loader is None or path is None or (host.stat(path) is not None and not new):
        return
    pairs = [entry.partition(":") for entry in driver.settings.texts("nvram", TEMPLATES)]
    template = nvram.template or next((last for first, _, last in pairs if first == loader.path), None)
    if template is None:
        raise fail(errors.OPERATION_FAILED, f"unable to find any master var store for loader: {loader.path}")
    try:
        data = host.read(template)
        host.make_folders([path.rpartition("/")[0]], 0o711 if driver.settings.owner() else 0o700)
        host.write(path, data)
        driver.give(path)
    except OSError as error:
        raise system_error(error, f"cannot make the variables '{path}' from '{template}'") from None
