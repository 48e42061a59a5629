"""I/O threads of a domain's definition: what drivers that work inside this process do to them."""

from . import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .xml.domain import Domain


def no_thread_zero(domain: int) -> errors.VirtError:
    """What calls raise for a thread 0."""
    return errors.virt_error(errors.INVALID_ARG, "invalid value of 0 for iothread_id", domain=domain)


def add(model: "Domain", number: int) -> None:
    """One more thread; raises INVALID_ARG when it is there."""
    from .xml.tuning import IoThread

    if any(thread.id == number for thread in model.iothreads):
        raise _fail(f"an IOThread is already using iothread_id '{number}'")
    model.iothreads.append(IoThread(id=number))
    model.iothread_count = len(model.iothreads)


def remove(model: "Domain", number: int) -> None:
    """One thread less, and its pin; raises INVALID_ARG when it is not there or a device uses it."""
    refuse_used(model, number)
    at = next(i for i, thread in enumerate(model.iothreads) if thread.id == number)
    del model.iothreads[at]
    for thread in model.iothreads[at:]:
        thread.filled = False  # their numbers no longer follow from their count
    model.iothread_count = len(model.iothreads)
    tune = model.cputune
    tune.iothread_pins = [pin for pin in tune.iothread_pins if pin.iothread != number]


def pin(model: "Domain", number: int, cpus: "frozenset[int]") -> None:
    """Say on which of the host's CPUs a thread runs, which is there."""
    from .xml.tuning import IoThreadPin

    pins = {pin.iothread: pin for pin in model.cputune.iothread_pins}
    pins[number] = IoThreadPin(iothread=number, cpuset=cpus)
    model.cputune.iothread_pins = [pins[thread.id] for thread in model.iothreads if thread.id in pins]


def refuse_used(model: "Domain", number: int) -> None:
    """Refuse to remove a thread that is not there or that a device uses; raises INVALID_ARG."""
    detail = ""
    if not any(thread.id == number for thread in model.iothreads):
        detail = f"cannot find IOThread '{number}' in iothreadids list"
    for disk in model.devices.disks:
        if disk.driver.iothread == number:
            detail = detail or f"cannot remove IOThread {number} since it is being used by disk '{disk.target}'"
    if any(controller.iothread == number for controller in model.devices.controllers):
        detail = detail or f"cannot remove IOThread '{number}' since it is being used by controller"
    if detail:
        raise _fail(detail)


def _fail(detail: str) -> errors.VirtError:
    return errors.virt_error(errors.INVALID_ARG, detail, domain=errors.FROM_DOMAIN)
