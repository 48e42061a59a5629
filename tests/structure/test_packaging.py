"""What is installed: the wheel made from the sdist holds the tree, and works outside the checkout."""

import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: Has the backend of pyproject.toml build an "sdist" or a "wheel" of the present folder into another.
BUILD = "import sys, setuptools.build_meta as backend; getattr(backend, f'build_{sys.argv[1]}')(sys.argv[2])"


def run(*argv: object, cwd: Path) -> str:
    """Run a command that must succeed; its output."""
    done = subprocess.run([str(a) for a in argv], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(python: Path, *argv: object) -> None:
    """Install into the environment of `python`."""
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", *argv, cwd=python.parent)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment, in which nothing is installed."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Path:
    """A wheel built from the sdist built from the tree, without symlinks on the way."""
    out = tmp_path_factory.mktemp("dist")
    pip(python, "--target", out / "tools", *PROJECT["build-system"]["requires"])
    build = f"import sys; sys.path.insert(0, {str(out / 'tools')!r}); {BUILD}"
    run(python, "-c", build, "sdist", out, cwd=ROOT)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = [m for m in archive.getmembers() if not m.issym() and not m.islnk()]
        archive.extractall(out, members=members)
    (unpacked,) = out.glob("vsh-*/")
    run(python, "-c", build, "wheel", out, cwd=unpacked)
    (found,) = out.glob("*.whl")
    return found


def test_wheel_holds_the_tree(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if not n.split("/")[0].endswith((".dist-info", ".data"))}
    tree = {
        f"vsh/{path.relative_to(ROOT)}" if folder != "vsh" else str(path.relative_to(ROOT))
        for folder in ("vsh", "commands", "backends")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".pyi", ".typed")
        and not path.relative_to(ROOT).as_posix().startswith(("vsh/commands/", "vsh/backends/"))
    }
    tree |= {"vsh/py.typed"}
    assert names == tree
    assert {n.split("/")[0] for n in names} == {"vsh"}


def test_wheel_brings_completions_and_manual(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        data = {n.split("/", 1)[1]: archive.read(n) for n in archive.namelist() if ".data/data/share/" in n}
    assert {n.rpartition("/")[2] for n in data} == {"vsh", "_vsh", "vsh.fish", "vsh.1", "vsh-data.5"}
    assert data["data/share/man/man1/vsh.1"] == (ROOT / "man" / "vsh.1").read_bytes()
    assert data["data/share/bash-completion/completions/vsh"] == (ROOT / "completions" / "vsh").read_bytes()


def test_wheel_names_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [archive.read(n).decode() for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
    needs = Parser().parsestr(metadata).get_all("Requires-Dist", [])
    assert [need for need in needs if "extra ==" not in need] == PROJECT["project"]["dependencies"]


def test_installed_wheel_works_elsewhere(wheel: Path, python: Path, tmp_path: Path) -> None:
    pip(python, "--no-deps", wheel)
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))  # what vsh needs is there, too
    out = run(python.parent / "vsh", "-c", "test:///default", "list", "--all", cwd=tmp_path)
    assert out == " Id   Name   State\n----------------------\n 1    test   running\n\n"
    where = run(python, "-c", "import vsh.cli, vsh.commands, vsh.backends.api as b; print(b.__file__)", cwd=tmp_path)
    assert str(python.parents[1]) in where
    code = "import importlib.util as u; print(u.find_spec('commands'), u.find_spec('backends'))"
    assert run(python, "-c", code, cwd=tmp_path) == "None None\n"
