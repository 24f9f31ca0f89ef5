"""Verbs that only read answer at once: they never import torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LOOK = """
import json, sys
from penjing.cli import run_command
code = run_command(json.loads(sys.argv[1]))
print("\\n", json.dumps({"code": code, "loaded": [name for name in sys.modules if "." not in name]}))
"""

COMMANDS = [
    ["--help"],
    ["--version"],
    ["fit", "--help"],
    ["list"],
    ["list", "models"],
    ["inspect", "photos"],
    ["diagnose", "run"],
    ["compare", "run", "run"],
    ["report", "run"],
    ["runs", "--folder", "."],
    ["cache", "list"],
    ["dataset"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_verb_that_only_reads_imports_no_torch(words, inside):
    done = subprocess.run([sys.executable, "-c", LOOK, json.dumps(words)], capture_output=True, check=True, timeout=60)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"] == 0
    assert "torch" not in found["loaded"]
    if words[0] in ("--help", "--version", "list") or "--help" in words:
        assert not {"numpy", "polars", "sklearn", "matplotlib", "PIL"} & set(found["loaded"])
