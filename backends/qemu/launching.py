"""From a definition to a process: the launch of a command line, its environment, the process and its files."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..xml.domain import Domain
    from .argv.launch import Launch
    from .places import Places
    from .settings import Settings

#: The id of a domain that does not run, as it appears in paths.
NO_ID = -1


def launch(places: "Places", settings: "Settings", domain: "Domain", id: int = NO_ID) -> "Launch":
    """The launch that a definition is checked and shown with."""
    from .argv.launch import Launch

    folder = places.guest(id, domain.name)
    return Launch(
        folder,
        f"{folder}/monitor.sock",
        memory=places.memory(id, domain.name, settings.memory_backing_dir),
        channel_folder=places.channel(id, domain.name, "").rstrip("/"),
        actions=False,
        sandbox=settings.sandbox,
        vnc_listen=settings.vnc_listen,
        spice_listen=settings.spice_listen,
    )


#: Where QEMU finds its helpers.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(domain: "Domain") -> "dict[str, str]":
    """The environment of a guest's process: nothing of ours."""
    from .argv import foreign

    return {"LC_ALL": "C", "PATH": PATH} | foreign(domain)[1]
