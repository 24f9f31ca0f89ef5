"""The benchmarks, which no test runs, ask only for what penjing still has."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[1] / "bench"
SCRIPTS = sorted(BENCH.glob("*.py")) + sorted((BENCH / "clinic").glob("*.py"))


def test_all_benchmarks_are_looked_at() -> None:
    assert len(SCRIPTS) > 30


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_name_of_penjing_that_a_benchmark_uses_is_there(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    modules: dict[str, ModuleType] = {}
    for line in ast.walk(tree):
        if isinstance(line, ast.ImportFrom) and str(line.module).split(".")[0] == "penjing":
            for one in line.names:
                found = named(str(line.module), one.name)
                if isinstance(found, ModuleType):
                    modules[one.asname or one.name] = found
    for use in ast.walk(tree):
        if isinstance(use, ast.Attribute) and isinstance(use.value, ast.Name) and use.value.id in modules:
            assert hasattr(modules[use.value.id], use.attr), f"line {use.lineno}: {use.value.id}.{use.attr}"


def test_what_a_benchmark_is_given_has_all_that_it_asks_of_it() -> None:
    asked = [(script.name, *one) for script in SCRIPTS for one in uses(script)]
    assert len(asked) > 30
    assert [f"{name}: {kind.__name__}.{attribute}" for name, kind, attribute in asked if not has(kind, attribute)] == []


def uses(script: Path) -> Iterator[tuple[type, str]]:
    """(class of penjing, what is asked of it) for every argument that is annotated with one."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imported = [line for line in ast.walk(tree) if isinstance(line, ast.ImportFrom)]
    ours = [line for line in imported if str(line.module).split(".")[0] == "penjing"]
    known = {one.asname or one.name: named(str(line.module), one.name) for line in ours for one in line.names}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        notes = {one.arg: one.annotation for one in function.args.args if isinstance(one.annotation, ast.Name)}
        kinds = {name: known.get(note.id) for name, note in notes.items()}
        for use in ast.walk(function):
            if isinstance(use, ast.Attribute) and isinstance(use.value, ast.Name):
                kind = kinds.get(use.value.id)
                if isinstance(kind, type):
                    yield kind, use.attr


def has(kind: type, attribute: str) -> bool:
    """Whether instances have it: a method, a property, a field, or what is annotated."""
    return hasattr(kind, attribute) or any(attribute in vars(one).get("__annotations__", {}) for one in kind.__mro__)


def named(module: str, name: str) -> object:
    """What `from module import name` gives."""
    holder = importlib.import_module(module)
    return getattr(holder, name) if hasattr(holder, name) else importlib.import_module(f"{module}.{name}")
