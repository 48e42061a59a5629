"""What a command line depends on besides domain and QEMU: where this run's files are, and what was chosen for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...xml.protection import Secret


class Launch:
    """One run of a domain.

    folder: that of the run's own files.  monitor: the socket's path.
    journal: the path of the event journal without its suffixes; "" for none.
    memory: the folder of files that hold memory.  hugepages: size in KiB -> that of those on a
    hugetlbfs, the usual size first.
    channel_folder: that of channels' sockets which the XML does not name.
    actions: whether QEMU itself reacts to power-off, reboot and panic; else a daemon is taken to watch (as in what
    `domxml-to-native` shows).
    tls_folder: where the certificates are of a kind of user (chardev, nbd); tls_verify: whether character devices ask
    for their clients';
    chardev_tls: whether they use TLS where the XML does not say.
    tls_displays: the kinds of displays, vnc and spice, that have certificates; vnc_verify: whether vnc asks for its
    clients'; guarded: the kinds that ask for a password, whatever the XML says.
    files: by a device's alias, open files that QEMU inherits for it.
    """

    def __init__(
        self,
        folder: str,
        monitor: str,
        journal: str = "",
        memory: str = "",
        hugepages: dict[int, str] | None = None,
        channel_folder: str = "",
        *,
        actions: bool = True,
        sandbox: bool = True,
        vnc_listen: str = "127.0.0.1",
        spice_listen: str = "127.0.0.1",
        tls_folder: Callable[[str], str] = lambda user: "/etc/pki/qemu",
        tls_verify: bool = True,
        chardev_tls: bool = False,
        tls_displays: tuple[str, ...] = (),
        vnc_verify: bool = True,
        guarded: tuple[str, ...] = (),
    ):
        self.folder = folder
        self.monitor = monitor
        self.journal = journal
        self.memory = memory
        self.hugepages = hugepages or {}
        #: KiB of the host's usual pages
        self.page = 4
        self.channel_folder = channel_folder
        self.actions = actions
        self.sandbox = sandbox
        self.vnc_listen = vnc_listen
        self.spice_listen = spice_listen
        self.tls_folder, self.tls_verify, self.chardev_tls = tls_folder, tls_verify, chardev_tls
        self.tls_displays, self.vnc_verify, self.guarded = tls_displays, vnc_verify, guarded
        #: path of a file that QEMU reads while it starts -> use and name of the secret in it, or its text
        self.secrets: dict[str, tuple[int, Secret | None, str]] = {}
        self.files: dict[str, list[int]] = {}
        #: whether QEMU is to wait for the state of a guest that was saved
        self.incoming = False
        #: the internal snapshot from which it goes on
        self.loadvm = ""

    def socket(self, alias: str) -> str:
        """Where a program listens that serves a device."""
        return f"{self.folder}/{alias}.sock"
