"""What `import penjing` promises: these names, and nothing that a program would notice."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import penjing

NAMES = [
    *("DataError", "Finding", "MissingExtra", "PenjingClassifier", "PenjingError", "PenjingRegressor", "Recipe", "Run", "RunError", "Score", "TargetMissed"),
    *("UsageError", "adopt", "compare", "dataset", "fit", "inspect", "plan", "predict", "report", "resume", "runs", "test"),
    "tune_process",
]

LOOK = """
import json, os, signal, sys, threading, warnings
before = dict(os.environ), threading.active_count(), signal.getsignal(signal.SIGINT), list(warnings.filters)
import penjing
after = dict(os.environ), threading.active_count(), signal.getsignal(signal.SIGINT), list(warnings.filters)
print(json.dumps({"changed": before != after, "loaded": sorted({name.split(".")[0] for name in sys.modules})}))
"""


def test_the_public_names_are_these():
    assert sorted(penjing.__all__) == NAMES
    assert dir(penjing) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_says_what_it_is(name):
    found = getattr(penjing, name)
    assert callable(found)
    assert found.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'penjing' has no attribute 'fitt'"):
        _ = penjing.fitt


def test_importing_penjing_loads_nothing_heavy_and_changes_nothing():
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert not found["changed"]
    assert not {"torch", "polars", "numpy", "sklearn", "matplotlib", "PIL", "cyclopts", "rich"} & set(found["loaded"])
