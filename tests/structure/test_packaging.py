"""What is installed: the wheel made from the sdist holds the tree, and works outside the checkout."""

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*argv: object, cwd: Path) -> str:
    """Run a command that must succeed; its output."""
    done = subprocess.run([str(a) for a in argv], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the sdist built from the tree, without symlinks on the way."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--sdist", "--outdir", out, ROOT, cwd=out)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = [m for m in archive.getmembers() if not m.issym() and not m.islnk()]
        archive.extractall(out, members=members)
    (unpacked,) = [p for p in out.iterdir() if p.is_dir()]
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, unpacked, cwd=out)
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


def test_installed_wheel_works_elsewhere(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    out = run(tmp_path / "env" / "bin" / "vsh", "-c", "test:///default", "list", "--all", cwd=tmp_path)
    assert out == " Id   Name   State\n----------------------\n 1    test   running\n\n"
    where = run(python, "-c", "import vsh.cli, vsh.commands, vsh.backends.api as b; print(b.__file__)", cwd=tmp_path)
    assert str(tmp_path) in where
    code = "import importlib.util as u; print(u.find_spec('commands'), u.find_spec('backends'))"
    assert run(python, "-c", code, cwd=tmp_path) == "None None\n"
