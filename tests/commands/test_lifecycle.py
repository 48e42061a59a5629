"""dominfo, domstate, start, destroy, suspend, resume; and how domains are found."""

from tests.commands.conftest import Host

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"


def test_facts_and_states(host: Host) -> None:
    host.same("dominfo test", "domstate test", "domstate --reason test", "domstate test --reason")
    host.same("suspend test", "dominfo test", "domstate test --reason", "destroy test", "dominfo test", "domstate test")


def test_many_states(many: Host) -> None:
    many.same(
        *(f"{verb} '{name}'" for verb in ("dominfo", "domstate --reason") for name in ("zulu", "Alpha beta", "日本"))
    )
    many.same("domstate yankee --reason", "domstate bravo", "dominfo bravo", "domstate 3 --reason")


def test_life(host: Host) -> None:
    steps = ["suspend test", "list", "resume test", "destroy test", "list --all", "start test", "list", "destroy test"]
    host.same(*steps)
    host.same(*steps, quiet=True)
    host.same(
        "suspend test",
        "suspend test",
        "resume 1",
        "resume 1",
        "start test",
        "destroy 1",
        "destroy test",
        "suspend test",
    )


def test_a_domain_is_found_by_id_uuid_and_name(host: Host) -> None:
    words = ["1", " 1", "+1", "01", "-1", "1x", "test", UUID, UUID.upper(), UUID.replace("-", ""), "Test", "nosuch"]
    words += ["6695eb01-f6a4-8304-79aa-97f2502e193x", "99999999999999999999", "--domain test", "--domain=1", "-- test"]
    quoted = [word if word.startswith("--") else f"'{word}'" for word in words]
    host.same(*(f"domstate {word}" for word in quoted))
    host.same(*(f"suspend {word}" for word in quoted[:9]))


def test_the_best_match_is_the_id(many: Host) -> None:
    """Domain 2 is bravo by id, and another by name."""
    many.same("dominfo 2", "domstate 2", "destroy 2", "domstate 2", "start 2")


def test_start(host: Host) -> None:
    host.same("start test", "start 1", f"start {UUID}", "start nosuch", "destroy test", f"start {UUID}")
    flags = ["paused", "autodestroy", "bypass-cache", "force-boot", "reset-nvram"]
    host.same("destroy test", *(f"start test --{flag}; destroy test" for flag in flags))
    host.same(
        "destroy test",
        "start test --pass-fds ''",
        "destroy test",
        "start test --pass-fds 0,x",
        "start test --pass-fds 0",
    )
    host.same("destroy test", "start test --pass-fds 977", "list --all")
    host.same("start test --console", "destroy test", "start test --console", "list")


def test_start_of_a_saved_domain(many: Host) -> None:
    many.same("start 'Alpha beta'", "list --managed-save --all", "destroy 'Alpha beta'", "list --all")
    many.same("start --force-boot 'Alpha beta'", "list --managed-save --all")


def test_destroy(host: Host) -> None:
    host.same("destroy test --graceful", "list --all")
    host.same("destroy test --remove-logs", "list --all", "destroy test", "destroy nosuch", "destroy 17")


def test_a_transient_domain_is_gone_when_destroyed(many: Host) -> None:
    many.same("destroy bravo", "list --all", "start bravo", "domstate bravo")


def test_read_only(host: Host) -> None:
    host.same("list", "dominfo test", "domstate test", readonly=True)
    host.same("suspend test", "resume test", "destroy test", "destroy --graceful test", readonly=True)
    host.same("start test", "start nosuch", "destroy nosuch", readonly=True)


def test_refusals(host: Host) -> None:
    verbs = ("dominfo", "domstate", "start", "destroy", "suspend", "resume")
    host.script(*verbs, *(f"{verb} test more" for verb in verbs), *(f"{verb} ''" for verb in verbs))
    host.script(*(f"{verb} --nosuch" for verb in verbs), *(f"{verb} test --domain test" for verb in verbs))


def test_json(host: Host) -> None:
    identity = {"name": "test", "uuid": UUID}
    [info] = host.json("dominfo test")
    assert info.pop("cpu_time_seconds") > 0
    assert info == {
        "id": 1,
        **identity,
        "os_type": "linux",
        "state": "running",
        "cpus": 2,
        "max_memory_bytes": 8 << 30,
        "used_memory_bytes": 2 << 30,
        "persistent": True,
        "autostart": False,
        "managed_save": False,
        "security": {"model": "testSecurity", "doi": "", "label": "libvirt-test", "enforcing": True},
        "messages": [],
    }
    assert host.json("suspend test; domstate test; resume test; destroy test; domstate 'test'; start test") == [
        {"domain": identity},
        {"state": "paused", "reason": "user"},
        {"domain": identity},
        {"domain": identity},
        {"state": "shut_off", "reason": "destroyed"},
        {"domain": identity},
    ]


def test_json_of_a_failure(host: Host) -> None:
    run = host.side.vsh("--format=json", "-c", host.uri, "resume test")
    assert run.status == 1 and run.stdout == ""
    assert '"message": "Failed to resume domain \'test\'"' in run.stderr
    assert '"cause": "internal error: domain \'test\' not paused", "code": 1,' in run.stderr
