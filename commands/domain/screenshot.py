"""`screenshot`: a picture of a domain's screen."""

import os
import time

from vsh.backends.errors import VirtError

from ..declare import Int, Opt, command
from ..errors import CommandError, failing
from ..results import Notice
from .lookup import ACTIVE, Domain, find_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vsh.backends.streams import Stream

    from ..context import Context

#: What the names of files end with, by the kind of picture.
EXTENSIONS = {"image/x-portable-pixmap": ".ppm", "image/png": ".png"}


@command(
    "screenshot",
    group="domain",
    options=[
        Domain(ACTIVE, resolve=None),
        Opt("file", "where it is put; without it DOMAIN-TIME.ppm or .png in this directory"),
        Int("screen", "the screen, of several", least=0, most=2**32 - 1),
    ],
)
def screenshot(ctx: "Context", domain: str, file: "str | None" = None, screen: int = 0) -> Notice:
    """Save a picture of a running domain's screen in a file.

    The hypervisor chooses the kind of picture.
    """
    name, ref = find_named(ctx, domain)
    with failing(f"could not take a screenshot of {name}"):
        mime, stream = ctx.connection.domain_screenshot(ref, screen, 0)
    try:
        kind = mime or ""
        # A name with a slash must not lead elsewhere.
        path = file or f"{ref.name.replace('/', '_')}-{time.strftime('%Y-%m-%d-%H:%M:%S')}{EXTENSIONS.get(kind, '')}"
        _save(stream, path, name)
        with failing(f"cannot close stream on domain {name}"):
            stream.finish()
    finally:
        stream.abort()
    return Notice(f"Screenshot saved to {path}, with type of {kind}", data={"file": path, "mime_type": kind})


def _save(stream: "Stream", path: str, domain: str) -> None:
    """Write what the stream holds to a file; one that was made for it is removed again on failure."""
    created = not os.path.lexists(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_EXCL if created else os.O_TRUNC), 0o666)
    except OSError as error:
        raise CommandError(f"cannot create file {path}") from error
    try:
        with open(descriptor, "wb") as target:
            while data := stream.recv(1 << 18):
                target.write(data)
    except (OSError, VirtError) as error:
        if created:
            os.unlink(path)
        cause = error if isinstance(error, VirtError) else None
        raise CommandError(f"could not receive data from domain {domain}", cause) from error
