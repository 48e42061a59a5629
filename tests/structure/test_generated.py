"""Generated files are as their generator would write them now."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / ".ci" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("file", "maker"),
    [
        ("backends/calls.pyi", "stub_calls"),
        ("backends/records.pyi", "stub_records"),
        ("commands/index.py", "index"),
    ],
)
def test_generated_file_is_fresh(generate: ModuleType, file: str, maker: str) -> None:
    assert (ROOT / file).read_text() == getattr(generate, maker)(), f"run .ci/generate.py for {file}"


def test_every_drivers_calls_are_found_where_they_are(generate: ModuleType) -> None:
    for path, place in generate.PARTS.items():
        assert (ROOT / path).read_text() == generate.parts(*place), f"run .ci/generate.py parts for {path}"


def test_pages_and_completions_are_fresh(generate: ModuleType) -> None:
    made = generate.pages()
    for path, text in made.items():
        assert (ROOT / path).read_text() == text, f"run .ci/generate.py all for {path}"
    there = {f"{folder}/{path.name}" for folder in ("completions", "man") for path in (ROOT / folder).iterdir()}
    assert there == set(made)


def test_every_call_has_signature_and_record(generate: ModuleType) -> None:
    from vsh.backends import procedures, records

    stubs = (ROOT / "backends" / "calls.pyi").read_text()
    for name, procedure in generate.all_procedures().items():
        if procedure.event or name.startswith("admin_"):
            continue
        assert f"    def {name}(self" in stubs
        if len(procedure.results) > 1:
            record = getattr(records, records.class_name(name))
            assert record._fields == tuple(f.name for f in procedure.results)
    assert len([n for g in procedures.GROUPS[:8] for n in procedures.table(g)]) == 453
