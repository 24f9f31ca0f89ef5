"""No plug-in imports its neighbour of the same kind, and other rules of what never depends on what."""

import ast

import pytest

from penjing.core import plugins

SOURCES = plugins.PACKAGE


def imported(file):
    """Dotted names of everything a file imports, at any depth of it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files_of(plugin):
    return sorted(plugin.file.parent.glob("*.py")) if plugin.file.name == "__init__.py" else [plugin.file]


@pytest.mark.parametrize("kind", plugins.KINDS)
def test_no_plugin_imports_its_neighbour(kind):
    every = [plugins.find(kind, name) for name in plugins.names(kind)]
    assert every
    for plugin in every:
        names = set().union(*(imported(file) for file in files_of(plugin)))
        for other in every:
            near = [name for name in names if name == other.module or name.startswith(other.module + ".")]
            assert other is plugin or not near, f"{kind}/{plugin.name} imports {near}"


def test_only_workflows_and_verbs_import_exports():
    allowed = {"workflows", "exports"}
    guilty = [
        str(file.relative_to(SOURCES))
        for file in SOURCES.rglob("*.py")
        if file.relative_to(SOURCES).parts[0] not in allowed
        and file.name != "verbs.py"
        and any(name.startswith("penjing.exports") for name in imported(file))
    ]
    assert not guilty


def test_training_knows_no_check_and_no_workflow():
    guilty = [
        file.name
        for file in (SOURCES / "training").rglob("*.py")
        if any(name.startswith(("penjing.checks", "penjing.workflows", "penjing.exports")) for name in imported(file))
    ]
    assert not guilty


def test_the_command_line_is_the_only_file_that_prints():
    found = [
        str(file.relative_to(SOURCES))
        for file in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert set(found) == {"cli.py"}
