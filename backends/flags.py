"""Combinations of flags that libvirt's public functions refuse before any driver sees the call."""

from . import errors, procedures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Pair = tuple[tuple[int, str], tuple[int, str]]

_AFFECT: "tuple[Pair, ...]" = (((1, "VIR_DOMAIN_AFFECT_LIVE"), (2, "VIR_DOMAIN_AFFECT_CONFIG")),)
_SAVE: "tuple[Pair, ...]" = (((2, "VIR_DOMAIN_SAVE_RUNNING"), (4, "VIR_DOMAIN_SAVE_PAUSED")),)
_DUMP: "tuple[Pair, ...]" = (
    ((1, "VIR_DUMP_CRASH"), (2, "VIR_DUMP_LIVE")),
    ((1, "VIR_DUMP_CRASH"), (8, "VIR_DUMP_RESET")),
    ((2, "VIR_DUMP_LIVE"), (8, "VIR_DUMP_RESET")),
)
_SNAPSHOT = "VIR_DOMAIN_SNAPSHOT_"
_CHECKPOINT = "VIR_DOMAIN_CHECKPOINT_"
_REDEFINE_SNAPSHOT = (1, f"{_SNAPSHOT}CREATE_REDEFINE")
_REDEFINE_CHECKPOINT = (1, f"{_CHECKPOINT}CREATE_REDEFINE")
#: Flags that exclude each other: call -> pairs of (flag, its name).
EXCLUSIVE: "dict[str, tuple[Pair, ...]]" = {
    "domain_undefine_flags": (
        ((4, "VIR_DOMAIN_UNDEFINE_NVRAM"), (8, "VIR_DOMAIN_UNDEFINE_KEEP_NVRAM")),
        ((32, "VIR_DOMAIN_UNDEFINE_TPM"), (64, "VIR_DOMAIN_UNDEFINE_KEEP_TPM")),
    ),
    "domain_get_memory_parameters": _AFFECT,
    "domain_get_vcpus_flags": _AFFECT,
    "domain_get_blkio_parameters": _AFFECT,
    "domain_get_scheduler_parameters_flags": _AFFECT,
    "domain_get_vcpu_pin_info": _AFFECT,
    "domain_get_block_io_tune": _AFFECT,
    "domain_get_metadata": _AFFECT,
    "domain_get_emulator_pin_info": _AFFECT,
    "domain_get_iothread_info": _AFFECT,
    "domain_memory_peek": (((1, "VIR_MEMORY_VIRTUAL"), (2, "VIR_MEMORY_PHYSICAL")),),
    "domain_core_dump": _DUMP,
    "domain_core_dump_with_format": _DUMP,
    "domain_save_flags": _SAVE,
    "domain_restore_flags": _SAVE,
    "domain_managed_save": _SAVE,
    "domain_managed_save_define_xml": _SAVE,
    "domain_save_image_define_xml": _SAVE,
    "domain_snapshot_create_xml": (
        (_REDEFINE_SNAPSHOT, (4, f"{_SNAPSHOT}CREATE_NO_METADATA")),
        (_REDEFINE_SNAPSHOT, (8, f"{_SNAPSHOT}CREATE_HALT")),
    ),
    "domain_revert_to_snapshot": (((1, f"{_SNAPSHOT}REVERT_RUNNING"), (2, f"{_SNAPSHOT}REVERT_PAUSED")),),
    "domain_snapshot_delete": (((1, f"{_SNAPSHOT}DELETE_CHILDREN"), (4, f"{_SNAPSHOT}DELETE_CHILDREN_ONLY")),),
    "domain_checkpoint_create_xml": ((_REDEFINE_CHECKPOINT, (2, f"{_CHECKPOINT}CREATE_QUIESCE")),),
    "domain_checkpoint_delete": (((1, f"{_CHECKPOINT}DELETE_CHILDREN"), (4, f"{_CHECKPOINT}DELETE_CHILDREN_ONLY")),),
    "domain_start_dirty_rate_calc": (
        ((1, "VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP"), (2, "VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING")),
    ),
}
#: Flags that need another: call -> the flag and the one it needs.
NEEDING: "dict[str, Pair]" = {
    "domain_snapshot_create_xml": ((2, f"{_SNAPSHOT}CREATE_CURRENT"), _REDEFINE_SNAPSHOT),
    "domain_checkpoint_create_xml": ((4, f"{_CHECKPOINT}CREATE_REDEFINE_VALIDATE"), _REDEFINE_CHECKPOINT),
}


def check(name: str, args: "tuple[Any, ...]") -> None:
    """Raise INVALID_ARG for flags of a call that contradict each other; calls that are not in EXCLUSIVE pass."""
    if name not in EXCLUSIVE or len(args) < len(procedures.lookup(name).parameters):
        return
    flags: int = args[-1]
    if name in NEEDING:
        (one, one_name), (other, other_name) = NEEDING[name]
        if flags & one and not flags & other:
            raise errors.VirtError(errors.INVALID_ARG, f"Flag '{other_name}' is required by flag '{one_name}'")
    for (one, one_name), (other, other_name) in EXCLUSIVE[name]:
        if flags & one and flags & other:
            raise errors.VirtError(errors.INVALID_ARG, f"Flags '{one_name}' and '{other_name}' are mutually exclusive")
