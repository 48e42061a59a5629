"""Making, copying and resizing volumes that are files: raw ones by the system's programs, others by qemu-img."""

from ... import errors
from ...constants import secret as secret_const
from ...constants import storage as const
from ..secrets import value_of
from .kinds import owner_of
from .making import making
from .pools import fail
from .programs import attempt, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...hosts import Host
    from ...xml.protection import Encryption
    from ...xml.resources.volume import Image, Volume
    from ..driver import QemuDriver

#: Mode of a volume that does not say otherwise.
MODE = 0o600
#: Compatibility of qcow2 volumes that do not say otherwise.
COMPAT = "0.10"


def create(driver: "QemuDriver", volume: "Volume", flags: int, origin: "Volume | None" = None) -> None:
    """Make the file of a volume; a copy of `origin`, if given.

    Raises VirtError, and leaves nothing behind.
    """
    image = volume.target
    assert image is not None and image.path is not None
    path = image.path
    with making(driver, path, lambda: _claim(driver.host, volume, origin)):
        try:
            _fill(driver, volume, flags, origin)
            _permit(driver.host, image)
        except BaseException:
            driver.host.remove(path)  # whatever fails from the claim on, the file is ours
            raise


def _claim(host: "Host", volume: "Volume", origin: "Volume | None") -> None:
    """Make a volume's folder, or its file, empty. Raises SYSTEM_ERROR when there is something."""
    path = str(volume.target and volume.target.path)
    if _format(volume) == "dir":
        _create_folder(host, volume, origin)
        return
    script = 'umask 077; set -C; : >"$1"'
    attempt(host, ["sh", "-c", script, "sh", path], f"Failed to create file '{path}'")


def _fill(driver: "QemuDriver", volume: "Volume", flags: int, origin: "Volume | None") -> None:
    assert volume.target is not None
    format = volume.target.format
    if format == "ploop":
        raise fail(errors.INTERNAL_ERROR, "unable to find ploop, please install ploop tools")
    if format == "raw" and not volume.target.encryption and (origin is None or _format(origin) in ("raw", "dir")):
        _create_raw(driver.host, volume, flags, origin)
    elif format != "dir":
        _create_image(driver, volume, flags, origin)


def _format(volume: "Volume") -> str:
    return (volume.target.format if volume.target else None) or "raw"


def _permit(host: "Host", image: "Image") -> None:
    path, given = image.path or "", image.permissions
    mode = MODE if given is None or given.mode is None else given.mode
    attempt(host, ["chmod", f"{mode:o}", path], f"cannot set mode of '{path}' to {mode:04o}")
    if given is not None and owner_of(given):
        attempt(host, ["chown", owner_of(given), path], f"cannot chown '{path}' to {owner_of(given)}")


def _create_folder(host: "Host", volume: "Volume", origin: "Volume | None") -> None:
    if origin is not None:
        raise fail(errors.INTERNAL_ERROR, "cannot copy from volume to a directory volume")
    assert volume.target is not None
    if volume.backing:
        raise fail(errors.NO_SUPPORT, "backing storage not supported for directories volumes")
    attempt(host, ["mkdir", "--", volume.target.path or ""], f"failed to create directory '{volume.target.path}'")


def _create_raw(host: "Host", volume: "Volume", flags: int, origin: "Volume | None") -> None:
    path = str(volume.target and volume.target.path)
    if flags & const.STORAGE_VOL_CREATE_PREALLOC_METADATA:
        text = "metadata preallocation is not supported for raw volumes"
        raise fail(errors.CONFIG_UNSUPPORTED, text)
    if volume.backing and volume.backing.path:
        raise fail(errors.NO_SUPPORT, "backing storage not supported for raw volumes")
    size = str(volume.capacity)
    if origin is not None:
        source = str(origin.target and origin.target.path)
        if flags & const.STORAGE_VOL_CREATE_REFLINK:
            attempt(host, ["cp", "--reflink=always", "--", source, path], f"failed to clone files from '{source}'")
        elif origin.type != "dir":
            sparse = "always" if volume.allocation < origin.capacity else "never"
            attempt(host, ["cp", f"--sparse={sparse}", "--", source, path], f"failed reading from file '{source}'")
    attempt(host, ["truncate", "-s", size, "--", path], f"cannot extend file '{path}'")
    if volume.allocation and (origin is None or volume.allocation >= origin.capacity):
        what = f"cannot allocate {volume.allocation} bytes in file '{path}'"
        attempt(host, ["fallocate", "-l", str(volume.allocation), path], what)


def _create_image(driver: "QemuDriver", volume: "Volume", flags: int, origin: "Volume | None") -> None:
    image, backing = volume.target, volume.backing
    assert image is not None
    format, encryption = image.format or "raw", image.encryption
    if flags & const.STORAGE_VOL_CREATE_REFLINK:
        raise fail(errors.CONFIG_UNSUPPORTED, f"reflink is not supported for {format} volumes")
    prealloc = bool(flags & const.STORAGE_VOL_CREATE_PREALLOC_METADATA)
    if prealloc and format != "qcow2":
        raise fail(errors.CONFIG_UNSUPPORTED, "metadata preallocation only available with qcow2")
    if origin is not None and origin.target is not None and origin.target.encryption:
        raise fail(errors.CONFIG_UNSUPPORTED, f"a copy of '{origin.name}' cannot be made: it is encrypted")
    options = []
    if backing is not None and backing.path:
        if driver.host.stat(backing.path) is None:
            text = f"inaccessible backing store volume {backing.path}: No such file or directory"
            raise errors.virt_error(errors.SYSTEM_ERROR, text, domain=errors.FROM_STORAGE)
        options.append(f"backing_fmt={backing.format or 'raw'}")
    secret = b""
    words: list[str] = []
    if encryption:
        secret = passphrase(driver, encryption)
        words = ["--object", "secret,id=key,file=/dev/stdin"]
        if format == "raw":
            options.append("key-secret=key")
        elif format == "qcow2":
            options += ["encrypt.format=luks", "encrypt.key-secret=key"]
        else:
            raise fail(errors.CONFIG_UNSUPPORTED, f"volume encryption unsupported with format {format}")
        options += _cipher(encryption, "" if format == "raw" else "encrypt.")
    if prealloc:
        options.append(f"preallocation={'metadata' if volume.capacity > volume.allocation else 'falloc'}")
    options += _features(image)
    made = "luks" if encryption and format == "raw" else "raw" if format == "iso" else format
    tail = [*(["-o", ",".join(options)] if options else [])]
    path = image.path or ""
    if origin is not None:
        source = str(origin.target and origin.target.path)
        argv = ["qemu-img", "convert", *words, "-f", _format(origin), "-O", made, *tail, source, path]
        run(driver.host, argv, secret)
        if volume.capacity > origin.capacity:
            resize(driver, volume, volume.capacity, 0)
        return
    below = ["-b", backing.path] if backing is not None and backing.path else []
    kib = f"{-(-volume.capacity // 1024)}K"
    run(driver.host, ["qemu-img", "create", *words, "-f", made, *below, *tail, path, kib], secret)


def _features(image: "Image") -> "list[str]":
    if image.format != "qcow2":
        return []
    compat = image.compat or COMPAT
    options = [f"compat={compat}"]
    if image.cluster_size:
        options.append(f"cluster_size={image.cluster_size}")
    if image.features:
        if image.features.lazy_refcounts:
            if compat == COMPAT:
                text = f"lazy_refcounts not supported with compat level {compat}"
                raise fail(errors.CONFIG_UNSUPPORTED, text)
            options.append("lazy_refcounts")
        if image.features.extended_l2:
            options.append("extended_l2=on")
    return options


def _cipher(encryption: "Encryption", prefix: str) -> "list[str]":
    """What the XML says of the cipher, as options; commas cannot be in their values."""
    words: dict[str, str | None] = {}
    if encryption.cipher:
        words["cipher-alg"] = f"{encryption.cipher.name}-{encryption.cipher.size}"
        words["cipher-mode"], words["hash-alg"] = encryption.cipher.mode, encryption.cipher.hash
    if encryption.ivgen:
        words["ivgen-alg"], words["ivgen-hash-alg"] = encryption.ivgen.name, encryption.ivgen.hash
    return [f"{prefix}{name}={value.replace(',', ',,')}" for name, value in words.items() if value]


def passphrase(driver: "QemuDriver", encryption: "Encryption") -> bytes:
    """The value of the secret that an encryption names.

    Raises VirtError when there is none.
    """
    if encryption.format not in ("luks", "luks2") or not encryption.secrets:
        raise fail(errors.CONFIG_UNSUPPORTED, "a volume can be encrypted as luks only, by a secret that is given")
    named = encryption.secrets[0]
    return value_of(driver, secret_const.SECRET_USAGE_TYPE_VOLUME, named.uuid, named.usage)


def resize(driver: "QemuDriver", volume: "Volume", capacity: int, flags: int) -> None:
    """Give a volume another capacity in bytes; what is beyond is lost."""
    host, image = driver.host, volume.target
    assert image is not None
    path = image.path or ""
    if image.encryption and not image.encryption.secrets:
        raise fail(errors.CONFIG_UNSUPPORTED, f"volume '{volume.name}' is encrypted, and its secret is not known")
    if image.format == "raw" and not image.encryption:
        if flags & const.STORAGE_VOL_RESIZE_ALLOCATE:
            what = f"Failed to pre-allocate space for file '{path}'"
            attempt(host, ["fallocate", "-l", str(capacity), path], what)
        attempt(host, ["truncate", "-s", str(capacity), "--", path], f"Failed to truncate file '{path}'")
        return
    if flags & const.STORAGE_VOL_RESIZE_ALLOCATE:
        text = "preallocate is only supported for raw type volume"
        raise fail(errors.OPERATION_UNSUPPORTED, text)
    shrink = ["--shrink"] if capacity < volume.capacity else []
    secret = passphrase(driver, image.encryption) if image.encryption else b""
    if secret:
        driver_name = "luks" if image.format == "raw" else "qcow2,encrypt.format=luks"
        key = "key-secret" if image.format == "raw" else "encrypt.key-secret"
        where = f"driver={driver_name},{key}=key,file.filename={path.replace(',', ',,')}"
        words = ["--object", "secret,id=key,file=/dev/stdin", "--image-opts", where]
    else:
        words = [path]
    run(host, ["qemu-img", "resize", *shrink, *words, str(capacity)], secret)
