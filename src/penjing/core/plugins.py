"""A folder is a registry, a file in it is a plug-in, and the file's name is what people type.

No decorator, no table to edit: adding `models/resnet.py` makes `--model resnet` work, `penjing list models`
show it and the contract test of its kind run over it. Names, one-line summaries and default settings are read
with `ast`, so listing plug-ins imports none of them. Files beginning with `_` are shared helpers, not plug-ins.

A person's own plug-in may live anywhere: a path (`./mine.py`), a module (`package.module` or
`package.module:Name`), or an entry point of the group `penjing.<kind>`.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from penjing.core.errors import UsageError, did_you_mean

PACKAGE = Path(__file__).parents[1]

# kind, as people type it → the folders that are its registry, and the word for one of them
KINDS: Mapping[str, tuple[str, str]] = {
    "sources": ("sources", "source"),
    "modalities": ("modalities", "modality"),
    "augmentations": ("modalities/*/augmentations", "augmentation"),
    "tasks": ("tasks", "task"),
    "models": ("models", "model"),
    "pretrained": ("pretrained", "pretrained encoder"),
    "optimisers": ("training/optimisers", "optimiser"),
    "schedules": ("training/schedules", "schedule"),
    "checks": ("checks", "check"),
    "remedies": ("remedies", "remedy"),
    "exports": ("exports", "export"),
}


@dataclass(frozen=True)
class Plugin:
    """One plug-in, not yet imported.

    Attributes:
        kind: the registry it belongs to, a key of `KINDS`.
        name: what people type.
        file: the Python file that holds it.
        module: its dotted module name, or "" for a file given by path.
        attribute: the object inside the module for `package.module:Name`, else "".
    """

    kind: str
    name: str
    file: Path
    module: str
    attribute: str = ""

    @property
    def summary(self) -> str:
        """The first line of its docstring, read without importing it."""
        docstring = ast.get_docstring(_tree(self.file)) or ""
        return docstring.strip().split("\n")[0]

    @property
    def defaults(self) -> dict[str, Any]:
        """The literal defaults of its `Settings` dataclass, read without importing it; {} when it has none."""
        return dict(_settings(self.file))

    def load(self) -> Any:
        """Import it and return the module, or the named object inside it."""
        module = _import_file(self.file) if not self.module else importlib.import_module(self.module)
        return getattr(module, self.attribute) if self.attribute else module


def names(kind: str) -> list[str]:
    """The names of all plug-ins of a kind, built in and from entry points, in alphabetical order.

    Raises:
        UsageError: there is no such kind.
    """
    return sorted(_registry(kind))


def find(kind: str, name: str) -> Plugin:
    """The plug-in behind a name, a path to a file, or a module.

    Args:
        kind: a key of `KINDS`, such as "models".
        name: "cnn", "./mine.py", "package.module" or "package.module:Name".

    Raises:
        UsageError: there is none; the message offers the nearest name.
    """
    registry = _registry(kind)
    if name in registry:
        return registry[name]
    if name.endswith(".py") or "/" in name or "\\" in name:
        return _from_path(kind, name)
    if "." in name or ":" in name:
        return _from_module(kind, name)
    word = KINDS[kind][1]
    raise UsageError(f'there is no {word} "{name}"; {did_you_mean(name, registry)}')


def load(kind: str, name: str) -> Any:
    """Shorthand for `find(kind, name).load()`."""
    return find(kind, name).load()


@cache
def _registry(kind: str) -> dict[str, Plugin]:
    if kind not in KINDS:
        raise UsageError(f'there is no kind of plug-in "{kind}"; {did_you_mean(kind, KINDS)}')
    found = {}
    for folder in sorted(PACKAGE.glob(KINDS[kind][0])):
        dotted = ".".join(("penjing", *folder.relative_to(PACKAGE).parts))
        for module in pkgutil.iter_modules([str(folder)]):
            if not module.name.startswith("_"):
                file = folder / module.name / "__init__.py" if module.ispkg else folder / f"{module.name}.py"
                found[module.name] = Plugin(kind, module.name, file, f"{dotted}.{module.name}")
    for entry in entry_points(group=f"penjing.{kind}"):
        spec = importlib.util.find_spec(entry.module)
        if entry.name not in found and spec is not None and spec.origin:
            found[entry.name] = Plugin(kind, entry.name, Path(spec.origin), entry.module, entry.attr)
    return found


def _from_path(kind: str, name: str) -> Plugin:
    file = Path(name).expanduser()
    if not file.is_file():
        raise UsageError(f"there is no file {name}; give a {KINDS[kind][1]} by name or the path of a Python file")
    return Plugin(kind, name, file.resolve(), "")


def _from_module(kind: str, name: str) -> Plugin:
    module, _, attribute = name.partition(":")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin:
        hint = did_you_mean(name, _registry(kind))
        raise UsageError(f'there is no {KINDS[kind][1]} "{name}" and no module {module} on the path; {hint}')
    return Plugin(kind, name, Path(spec.origin), module, attribute)


def _import_file(file: Path) -> ModuleType:
    name = f"penjing_own_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up here while the file runs
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        del sys.modules[name]
        raise UsageError(f"{file} cannot be imported: {type(problem).__name__}: {problem}") from problem
    return module


@cache
def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as problem:
        raise UsageError(f"{file} is not valid Python (line {problem.lineno}: {problem.msg})") from problem


@cache
def _settings(file: Path) -> tuple[tuple[str, Any], ...]:
    classes = [node for node in _tree(file).body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    if not classes:
        return ()
    fields = [node for node in classes[0].body if isinstance(node, ast.AnnAssign)]
    return tuple(
        (node.target.id, ast.literal_eval(node.value))
        for node in fields
        if isinstance(node.target, ast.Name) and node.value is not None
    )
