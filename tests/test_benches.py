"""The benchmarks, which no test runs, ask only for what penjing still has."""

from __future__ import annotations

import ast
import importlib
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


def named(module: str, name: str) -> object:
    """What `from module import name` gives."""
    holder = importlib.import_module(module)
    return getattr(holder, name) if hasattr(holder, name) else importlib.import_module(f"{module}.{name}")
