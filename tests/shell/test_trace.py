"""LIBVIRT_DEBUG, LIBVIRT_LOG_OUTPUTS and LIBVIRT_LOG_FILTERS: the calls that are made."""

import re
from pathlib import Path

from tests.live.side import Side

HOST = ["-c", "test:///default"]
LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: \d+: (\w+) : (\w+) : (.*)"


def told(text: str) -> list[tuple[str, str]]:
    found = [re.fullmatch(LINE, line) for line in text.splitlines()]
    return [(match[1], match[2]) for match in found if match]


def test_standard_error(side: Side) -> None:
    run = side.vsh(*HOST, "domstate test", env={"LIBVIRT_DEBUG": "1"})
    assert run.stdout == "running\n\n"
    assert told(run.stderr) == [("debug", "virDomainLookupByName"), ("debug", "virDomainGetState")]
    run = side.vsh(*HOST, "domstate nosuch", env={"LIBVIRT_DEBUG": "error"})
    assert told(run.stderr) == [("error", "virDomainLookupByName")]
    assert run.stderr.endswith("\nerror: failed to get domain 'nosuch'\n")
    for env in ({"LIBVIRT_DEBUG": "x"}, {"LIBVIRT_LOG_OUTPUTS": "nonsense"}, {"LIBVIRT_LOG_FILTERS": "1:qemu"}):
        assert side.vsh(*HOST, "domstate test", env=env).stderr == ""


def test_files(side: Side, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    env = {"LIBVIRT_LOG_OUTPUTS": f"1:file:{log} 4:stderr"}
    run = side.vsh(*HOST, "domstate test; domstate nosuch", env=env)
    assert told(run.stderr) == [("error", "virDomainLookupByName")]
    assert [level for level, _ in told(log.read_text())] == ["debug", "debug", "debug", "error"]
    assert log.stat().st_mode & 0o777 == 0o600
    run = side.vsh(*HOST, "uri", env={"LIBVIRT_LOG_OUTPUTS": "1:file:/nonexistent/calls"})
    assert (run.stdout, run.stderr) == ("test:///default\n\n", "")
