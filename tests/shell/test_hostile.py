"""Hostile input: a line or two of errors, bounded memory, and nothing half done."""

import resource
import subprocess
import time
from pathlib import Path

import pytest

from tests.live.side import Side, vsh_command

HOST = ["-c", "test:///default"]
#: Bytes of address space that vsh may use on any input: two of the largest XML files, and the interpreter.
MEMORY = 400 * 1024 * 1024
BOMB = (
    '<!DOCTYPE d [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    + "]>\n<domain type='test'><name>&a9;</name><memory>1</memory><os><type>hvm</type></os></domain>"
)
STOLEN = (
    '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
    "<domain type='test'><name>x</name><title>&x;</title><memory>1</memory><os><type>hvm</type></os></domain>"
)
DOMAIN = "<domain type='test'><name>{}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
DOCUMENTS = {
    "bomb": BOMB,
    "stolen": STOLEN,
    "deep": "<domain type='test'>" + "<a>" * 200_000,
    "wide": "<domain type='test'" + "".join(f" a{i}='1'" for i in range(200_000)) + "/>",
    "long": "x" * (9 * 1024 * 1024),
    "empty": "",
    "control": DOMAIN.format("a\x1b[2Jb"),
    "escape": DOMAIN.format("a&#27;b"),
    "nul": DOMAIN.format("a\0b"),
    "slash": DOMAIN.format("../../etc/passwd"),
    "line": DOMAIN.format("a\nb"),
    "latin": "<?xml version='1.0' encoding='utf-16'?>" + DOMAIN.format("x"),
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def bounded(side: Side, *argv: str, stdin: bytes = b"") -> tuple[bytes, bytes, int]:
    """What vsh says in bounded memory; it is quick, and never shows a traceback."""
    begun = time.monotonic()
    run = subprocess.run(
        [*vsh_command(), *argv], input=stdin, env=side.env, capture_output=True, timeout=60, check=False,
        preexec_fn=limited,
    )  # fmt: skip
    assert time.monotonic() - begun < 20
    assert b"Traceback" not in run.stderr and b"internal error: " not in run.stderr, run.stderr[-2000:]
    return run.stdout, run.stderr, run.returncode


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(side: Side, tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.xml"
    path.write_bytes(DOCUMENTS[name].encode())
    stdout, stderr, _ = bounded(side, *HOST, f"define {path}; list --all --name")
    errors = [line for line in stderr.split(b"\n") if line.startswith(b"error: ")]
    if errors:
        assert stdout == b"\ntest\n\n" and len(errors) == 2 and len(stderr) < 5000
    assert b"root:" not in stdout + stderr


def test_a_file_of_100_megabytes(side: Side, tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.write(b"<domain type='test'><title>")
        file.truncate(100 * 1024 * 1024)
    wanted = side.virsh(*HOST, "define", str(path))
    stdout, stderr, status = bounded(side, *HOST, "define", str(path))
    assert (stdout.decode(), stderr.decode(), status) == wanted
    assert bounded(side, *HOST, "define", "/dev/zero")[2] == 1


def test_long_lines(side: Side, tmp_path: Path) -> None:
    """A fault of syntax shows its line, however long, and the caret below the place."""
    path = tmp_path / "long.xml"
    for text in (
        "<domain>" + " " * 5000 + "<<x/>" + "y" * 3000 + "</domain>",
        "<domain>\r\n" + "\t" * 700 + "\r" + " é" * 700 + "<<x/></domain>",
        " " * 2000 + "<domain>" + " " * 2000,
    ):
        path.write_bytes(text.encode())
        side.assert_same(*HOST, "define", str(path))


def test_files_that_are_none(side: Side, tmp_path: Path) -> None:
    for path in (str(tmp_path), "/nonexistent", "a\nb", "\udcff", "x" * 5000, "/dev/null"):
        side.assert_same(*HOST, "define", path)


@pytest.mark.parametrize(
    "word", ["a\nb", "\x1b]0;title\x07", "é日本", "\udcff\udcfe", "x" * 100_000, "%s%n", "-", "'", '"', "\\", "$(id)"]
)
def test_words(side: Side, word: str) -> None:
    side.assert_same(*HOST, "domstate", word)
    side.assert_same(*HOST, word, "x")


def test_scripts(side: Side) -> None:
    for text in (b"uri\0domstate test\n", b"\xff\xfe\n", b"\0" * 100_000, b"a" * 1_000_000, b"'\n\"\n"):
        stdout, _, status = bounded(side, *HOST, stdin=text)
        assert status == 0 and stdout.startswith(b"Welcome")
    for text in ("uri\r\n", "\n\n;;\n", "'\n\"\n\\\n", "domstate 'a\nuri\n"):
        side.assert_same("-q", *HOST, stdin=text)


def test_locales(side: Side) -> None:
    """Names are UTF-8 wherever they come from and go to, as with virsh."""
    side.assert_same(*HOST, "desc test --title ünïcode; list --title", env={"PYTHONIOENCODING": "ascii:strict"})
    for env in ({"PYTHONIOENCODING": "ascii:strict"}, {"LC_ALL": "POSIX"}):
        side.assert_same(*HOST, "domstate 日本", env=env)
        side.assert_same("-q", *HOST, stdin="domstate 日本\n", env=env)
        side.assert_same("-q", *HOST, stdin="domstate \udcff\n", env=env)


@pytest.mark.parametrize("words", [["list"], ["list; list"], ["--format=json", "list"], []])
def test_output_that_cannot_be_written(side: Side, words: list[str]) -> None:
    """One line, and a failure, which virsh does not notice."""
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [*vsh_command(), *HOST, *words], input=b"list\n", stdout=full, stderr=subprocess.PIPE, env=side.env,
            timeout=60, check=False,
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (1, b"error: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(side: Side, closed: str) -> None:
    shell = ["sh", "-c", f'"$@" -c test:///default list {closed} && "$@" -c test:///default {closed}', "sh"]
    argv = [*shell, *vsh_command()]
    run = subprocess.run(argv, input=b"", env=side.env, capture_output=True, timeout=60, check=False)
    assert run.returncode == 0 and not run.stderr
    assert (b"running" in run.stdout) == (">&-" not in closed.replace("2>&-", ""))
