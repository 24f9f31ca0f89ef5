"""Documents that must agree with the code: version and changelog, every command and public name, every dependency.

Prints what is wrong and exits with 1; `make lint` runs it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import penjing
from penjing.cli import app

ROOT = Path(__file__).parents[1]


def problems() -> list[str]:
    """What the documents get wrong, one sentence each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = []
    newest = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    if newest is None or newest.group(1) != project["version"]:
        found.append(f"CHANGELOG.md begins with {newest and newest.group(1)}, pyproject.toml has {project['version']}")
    if penjing.__version__ != project["version"]:
        found.append(f"penjing.__version__ is {penjing.__version__}, pyproject.toml has {project['version']}")
    extras = [name for extra, names in project["optional-dependencies"].items() if extra != "dev" for name in names]
    for requirement in [*project["dependencies"], *extras]:
        name = re.split(r"[<>=\[]", requirement)[0]
        if not re.search(rf"\b{re.escape(name)}\b", readme):
            found.append(f"README.md does not say why {name} is needed")
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    for command in app:
        if not command.startswith("-") and not (ROOT / "docs" / f"{command}.md").exists():
            found.append(f"docs/{command}.md is missing: every command has a page")
    found += [f"docs do not mention penjing.{name}" for name in penjing.__all__ if f"pj.{name}" not in pages + readme]
    return found


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong) or "documents agree with the code")
    sys.exit(1 if wrong else 0)
