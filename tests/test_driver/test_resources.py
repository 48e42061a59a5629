"""Memory, vCPUs, counters, what there is of snapshots, files with saved domains."""

from pathlib import Path
from typing import Any

from tests.test_driver.conftest import Both
from tests.test_driver.test_domains import NOBODY, REF, XML


def test_memory_and_vcpus(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    both.domain_define_xml(XML)
    for who in (dom, REF, NOBODY):
        for flags in (0, 1, 2, 4, 6, 8):
            for memory in (1024, 4194304, 99999999):
                both.domain_set_memory_flags(who, memory, flags)
        for flags in (0, 1, 2, 3, 6, 8):
            for count in (1, 2, 3, 33):
                both.domain_set_vcpus_flags(who, count, flags)
        both.domain_set_memory(who, 2048)
        both.domain_set_max_memory(who, 8192)
        both.domain_set_vcpus(who, 2)
        both.domain_set_memory_stats_period(who, 7, 0)
        for kind in range(3):
            for action in range(6):
                both.domain_set_lifecycle_action(who, kind, action, 0)
        both.domain_get_info(who)
        both.domain_get_xml_desc(who, 0)
        both.domain_get_xml_desc(who, 2)


def test_counters(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    both.domain_define_xml(XML)
    same = {"domain_block_stats": 5, "domain_interface_stats": 8}
    for name, length in same.items():
        both.scrub[name] = lambda found, length=length: len(found) == length and min(found) > 0
    for who in (dom, REF, NOBODY):
        for path in ("vda", "vdb", "/guest/diskimage1", "/guest.img", ""):
            both.domain_block_stats(who, path)
            if path:
                both.domain_get_block_info(who, path, 0)
        for device in ("testnet0", "aa:bb:cc:dd:ee:ff", "nonsense"):
            both.domain_interface_stats(who, device)
        both.domain_memory_stats(who, 0)
        both.domain_get_disk_errors(who, 0)
        both.domain_get_fsinfo(who, 0)
        both.domain_get_scheduler_type(who)
        both.domain_get_scheduler_parameters(who)


def test_figures_of_the_host(both: Both) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("connect_get_type", ()),
        ("connect_get_version", ()),
        ("connect_get_max_vcpus", (None,)),
        ("connect_get_capabilities", ()),
        ("connect_get_sysinfo", (0,)),
        ("connect_get_sysinfo", (1,)),
        ("connect_get_hostname", ()),
        ("node_get_info", ()),
        ("node_get_security_model", ()),
        ("node_get_cpu_stats", (-1, 0)),
        ("node_get_cpu_map", (0,)),
        ("node_get_free_memory", ()),
        ("node_get_cells_free_memory", (0,)),
        ("node_get_cells_free_memory", (1,)),
        ("node_get_cells_free_memory", (2,)),
    ]
    for name, args in calls:
        getattr(both, name)(*args)


def test_what_is_done_inside_a_guest(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    both.domain_define_xml(XML)
    for who in (dom, REF):
        for seconds in (0, 5, 10000, 29999, 30000, 30001, 30002, 59999, 60000):
            both.domain_set_time(who, seconds, 3, 0)
            both.domain_get_time(who, 0)
            both.domain_get_control_info(who, 0)
        both.domain_fsfreeze(who, ["/"], 0)
        both.domain_fsfreeze(who, [], 0)
        both.domain_fsthaw(who, ["/boot", "/boot"], 0)
        both.domain_fsthaw(who, ["/nowhere"], 0)
        both.domain_fsthaw(who, [], 0)
        both.domain_fstrim(who, "/x", 0, 0)
        both.domain_fstrim(who, None, 0, 0)
        both.domain_set_user_password(who, "a", "b", 0)
        both.domain_send_process_signal(who, 1, 64, 0)
        both.domain_send_process_signal(who, 2, 1, 0)
        both.domain_send_process_signal(who, 1, 65, 0)
        both.domain_memory_peek(who, 250, 10, 1)
        both.domain_send_key(who, 0, 0, [28], 0)


def test_there_are_no_snapshots(both: Both) -> None:
    dom = both.domain_lookup_by_name("test")
    for who in (dom, NOBODY):
        for flags in (0, 1, 2, 4, 1024, 2048):
            both.domain_snapshot_num(who, flags)
            both.domain_snapshot_list_names(who, flags)
            both.domain_list_all_snapshots(who, flags)
            both.domain_list_all_checkpoints(who, flags)
        both.domain_has_current_snapshot(who, 0)
        both.domain_snapshot_current(who, 0)
        both.domain_snapshot_lookup_by_name(who, "s", 0)
        both.domain_checkpoint_lookup_by_name(who, "c", 0)


def test_each_restores_what_the_other_saved(both: Both, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)
    dom = both.domain_lookup_by_name("test")
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    both.ours.domain_save(dom, ours)
    both.theirs.domain_save(dom, theirs)
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    for path in (ours, theirs):
        Path(path).chmod(0o644)
    both.domain_get_state(dom)
    both.ours.domain_restore(theirs)
    both.theirs.domain_restore(ours)
    both.domain_get_state(dom)
    both.domain_get_xml_desc(dom, 0)
    both.domain_restore(ours)
    both.domain_save_image_get_xml_desc(ours, 0)
    both.domain_restore(str(tmp_path / "none"))
    (tmp_path / "short").write_bytes(b"Test")
    (tmp_path / "wrong").write_bytes(b"x" * 100)
    (tmp_path / "long").write_bytes(b"TestGuestMagic\0\xff\xff\0\0")
    (tmp_path / "cut").write_bytes(b"TestGuestMagic\0\xff\0\0\0<domain")
    for name in ("short", "wrong", "long", "cut"):
        both.domain_restore(str(tmp_path / name))
    both.domain_save(dom, "/nowhere/at/all")
    both.domain_save_flags(dom, "/nowhere/at/all", "<domain/>", 0)
    both.domain_core_dump(dom, "/nowhere/at/all", 0)
