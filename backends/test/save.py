"""Saving domains to files and restoring them; core dumps; managed saves."""

import os
import sys

from .. import errors
from ..constants import domain as const
from .base import TestBase, call, fail
from .definition import Definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..records import DomainRef
    from ..xml.domain import Domain

#: A saved domain: this, the length of its XML in the machine's byte order in 4 bytes, the XML.
MAGIC = b"TestGuestMagic\0"
LIMIT = 8192


class SaveCalls(TestBase):
    """Saving domains to files and restoring them; core dumps; managed saves."""

    @call("testDomainSaveFlags")
    def domain_save_flags(self, dom: "DomainRef", to: str, dxml: "str | None", flags: int = 0) -> None:
        _no_xml(dxml)
        guest = self._active(dom)
        write_image(to, guest.described())
        self._stop(guest, const.DOMAIN_SHUTOFF_SAVED, const.DOMAIN_EVENT_STOPPED_SAVED)

    @call("testDomainRestoreFlags")
    def domain_restore_flags(self, from_: str, dxml: "str | None", flags: int = 0) -> None:
        _no_xml(dxml)
        guest, _ = self.driver.guests.add(read_image(from_), live=True)
        guest.start(self.driver.next_id(), const.DOMAIN_RUNNING_RESTORED)
        self._lifecycle(guest, const.DOMAIN_EVENT_STARTED, const.DOMAIN_EVENT_STARTED_RESTORED)

    @call("testDomainSaveImageGetXMLDesc", const.DOMAIN_SAVE_IMAGE_XML_SECURE)
    def domain_save_image_get_xml_desc(self, file: str, flags: int = 0) -> str:
        return read_image(file).model.format(secure=True)

    @call("testDomainSaveImageDefineXML", const.DOMAIN_SAVE_RUNNING | const.DOMAIN_SAVE_PAUSED)
    def domain_save_image_define_xml(self, file: str, dxml: str, flags: int = 0) -> None:
        read_image(file)
        write_image(file, Definition.parse(dxml).model)

    @call("testDomainCoreDumpWithFormat", const.DUMP_CRASH)
    def domain_core_dump_with_format(self, dom: "DomainRef", to: str, dumpformat: int, flags: int = 0) -> None:
        guest = self._active(dom)
        try:
            with open(to, "wb", opener=_private) as file:
                file.write(MAGIC)
        except OSError as error:
            raise system_error(error, f"domain '{dom.name}' coredump: failed to open {to}") from None
        if dumpformat != const.DOMAIN_CORE_DUMP_FORMAT_RAW:
            raise fail(errors.OPERATION_UNSUPPORTED, "kdump-compressed format is not supported here")
        if flags & const.DUMP_CRASH:
            self._stop(guest, const.DOMAIN_SHUTOFF_CRASHED, const.DOMAIN_EVENT_STOPPED_CRASHED)

    def domain_core_dump(self, dom: "DomainRef", to: str, flags: int = 0) -> None:
        self.domain_core_dump_with_format(dom, to, const.DOMAIN_CORE_DUMP_FORMAT_RAW, flags)

    @call(
        "testDomainManagedSave", const.DOMAIN_SAVE_BYPASS_CACHE | const.DOMAIN_SAVE_RUNNING | const.DOMAIN_SAVE_PAUSED
    )
    def domain_managed_save(self, dom: "DomainRef", flags: int = 0) -> None:
        guest = self._active(dom)
        if not guest.persistent:
            raise fail(errors.OPERATION_INVALID, "cannot do managed save for transient domain")
        self._stop(guest, const.DOMAIN_SHUTOFF_SAVED, const.DOMAIN_EVENT_STOPPED_SAVED)
        guest.managed_save = True

    @call("testDomainManagedSaveRemove")
    def domain_managed_save_remove(self, dom: "DomainRef", flags: int = 0) -> None:
        self._guest(dom).managed_save = False


def _no_xml(dxml: "str | None") -> None:
    if dxml is not None:
        raise fail(errors.ARGUMENT_UNSUPPORTED, "xml modification unsupported")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def system_error(error: OSError, text: str) -> errors.VirtError:
    """What libvirt's virReportSystemError makes of a failed system call."""
    return fail(errors.SYSTEM_ERROR, f"{text}: {os.strerror(error.errno or 0)}")


def write_image(path: str, model: "Domain") -> None:
    """Save a domain to a file; raises SYSTEM_ERROR."""
    xml = model.format(secure=True).encode()
    text = f"saving domain '{model.name}' to '{path}'"
    try:
        fd = _private(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    except OSError as error:
        raise system_error(error, f"{text}: open failed") from None
    try:
        with open(fd, "wb") as file:
            file.write(MAGIC + len(xml).to_bytes(4, sys.byteorder) + xml)
    except OSError as error:
        os.unlink(path)
        raise system_error(error, f"{text}: write failed") from None


def read_image(path: str) -> Definition:
    """The domain saved in a file.

    Raises SYSTEM_ERROR for a file that cannot be read, INTERNAL_ERROR for one that holds no saved domain.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(len(MAGIC) + 4 + LIMIT)
    except OSError as error:
        raise system_error(error, f"cannot read domain image '{path}'") from None
    magic, length, xml = data[: len(MAGIC)], data[len(MAGIC) : len(MAGIC) + 4], data[len(MAGIC) + 4 :]
    if len(magic) < len(MAGIC):
        raise fail(errors.SYSTEM_ERROR, f"incomplete save header in '{path}': Success")
    if magic != MAGIC:
        raise fail(errors.INTERNAL_ERROR, "mismatched header magic")
    if len(length) < 4:
        raise fail(errors.SYSTEM_ERROR, f"failed to read metadata length in '{path}': Success")
    size = int.from_bytes(length, sys.byteorder, signed=True)
    if not 1 <= size <= LIMIT:
        raise fail(errors.INTERNAL_ERROR, "length of metadata out of range")
    if len(xml) < size:
        raise fail(errors.SYSTEM_ERROR, f"incomplete metadata in '{path}': Success")
    return Definition.parse(xml[:size].decode("utf-8", "surrogateescape"))
