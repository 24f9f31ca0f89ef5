"""What `import penjing` promises: these names, and nothing that a program would notice."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
import sys

import pytest

import penjing
from penjing import cli
from penjing._options import DataOptions

NAMES = [
    *(
        "DataError",
        "Finding",
        "MissingExtra",
        "PenjingClassifier",
        "PenjingError",
        "PenjingRegressor",
        "Recipe",
        "Run",
        "RunError",
        "Score",
        "TargetMissed",
    ),
    *(
        "UsageError",
        "adopt",
        "compare",
        "dataset",
        "diagnose",
        "fit",
        "inspect",
        "plan",
        "predict",
        "report",
        "resume",
        "runs",
        "test",
        "treat",
    ),
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


# What the command line says otherwise: its name → the function and the argument that take it from Python.
SAID_OTHERWISE = {
    "type": ("fit", "types"),
    "input": ("fit", "inputs"),
    "from_": ("fit", "parent"),
    "no_pictures": ("fit", "pictures"),
    "resume": ("resume", "run"),
    "dry_run": ("plan", "data"),
    "output": ("fit", "watch"),
}


def test_fit_names_every_option_that_the_command_line_has():
    options = [name for name in inspect.signature(cli.fit).parameters if name != "of_data"]
    options += [item.name for item in dataclasses.fields(DataOptions)]
    assert len(options) > 30
    for option in options:
        verb, argument = SAID_OTHERWISE.get(option, ("fit", option))
        assert argument in inspect.signature(getattr(penjing, verb)).parameters, option


@pytest.mark.parametrize("verb", [name for name in NAMES if name.islower()])
def test_a_verb_names_all_it_takes(verb):
    kinds = {one.kind for one in inspect.signature(getattr(penjing, verb)).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds


def test_a_plan_takes_what_fit_takes_and_an_inspection_what_is_of_the_data():
    of = {verb: inspect.signature(getattr(penjing, verb)).parameters for verb in ("fit", "plan", "inspect")}
    assert {name: one.default for name, one in of["fit"].items() if name != "command"} == {
        name: one.default for name, one in of["plan"].items()
    }
    assert set(of["inspect"]) < set(of["plan"])
    assert len(of["inspect"]) == len(dataclasses.fields(DataOptions)) + 2  # the data themselves and watch


def test_the_docstring_of_fit_explains_every_option():
    options = set(inspect.signature(penjing.fit).parameters)
    explained = set(re.findall(r"^        (\w+): ", penjing.fit.__doc__, flags=re.MULTILINE))
    assert options <= explained
