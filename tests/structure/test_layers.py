"""The floors of the house: imports go down only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What adapters share; every other package below backends/ is an adapter.
SHARED = {"procedures", "constants", "rpc", "xml", "hosts", "ssh", "cpus"}
FLOORS = {"vsh": "vsh", "commands": "vsh.commands", "backends": "vsh.backends"}


def modules() -> dict[str, Path]:
    """Import name -> file of every module of the product."""
    found = {}
    for folder, package in FLOORS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder)
            if folder == "vsh" and inside.parts[0] in ("commands", "backends"):
                continue
            found[".".join([package, *inside.with_suffix("").parts]).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """The full names a module imports, wherever in it the import stands."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            target = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                full = f"{target}.{alias.name}"
                yield full if full in MODULES else target


def adapter(name: str) -> str | None:
    """The adapter that a module belongs to."""
    parts = name.split(".")
    if parts[:2] == ["vsh", "backends"] and len(parts) > 2 and (ROOT / "backends" / parts[2]).is_dir():
        return None if parts[2] in SHARED else parts[2]
    return None


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name: str) -> None:
    for target in imports(name):
        if not target.startswith(("vsh", "commands", "backends")):
            continue
        assert target.split(".")[0] == "vsh", f"{name} imports {target}: the import name begins with vsh."
        if name.startswith("vsh.backends"):
            assert target.startswith("vsh.backends"), f"{name} imports {target}, which is above it"
            other = adapter(target)
            assert other is None or other == adapter(name), f"{name} imports the adapter {other}"
        elif name.startswith("vsh.commands"):
            assert target.startswith(("vsh.commands", "vsh.backends")), f"{name} imports {target}, which is above it"
            assert adapter(target) is None, f"{name} imports the adapter {adapter(target)}"
            assert target != "vsh.backends.registry", f"{name} opens connections"
        else:
            assert adapter(target) is None, f"{name} imports the adapter {adapter(target)}"


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("vsh.commands")])
def test_commands_never_print(name: str) -> None:
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "input"), f"{name}:{node.lineno} calls {node.func.id}()"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            assert node.attr not in ("stdout", "stderr"), f"{name}:{node.lineno} uses sys.{node.attr}"


def test_no_long_modules() -> None:
    tables = {"domain.py", "errors.py", "__init__.py"}
    long = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES.values()
        if (lines := len(path.read_text().splitlines())) > 400
        and not (path.parent.name == "constants" and path.name in tables)
    }
    assert not long, "modules over 400 lines want a split"
