"""penjing grows a small, proven model from little data on an ordinary computer, and shows what every step was worth.

The verbs of the command line, from Python:

    >>> import penjing as pj
    >>> run = pj.fit("photos/", time="5m")      # doctest: +SKIP
    >>> pj.test(run)                            # doctest: +SKIP

The public names are loaded on first use, so `import penjing` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name → the module that holds it
_HOMES = {
    **dict.fromkeys(
        (
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
        "penjing.verbs",
    ),
    **dict.fromkeys(
        ("DataError", "MissingExtra", "PenjingError", "RunError", "TargetMissed", "UsageError"), "penjing.core.errors"
    ),
    **dict.fromkeys(("PenjingClassifier", "PenjingRegressor"), "penjing.estimators"),
    "Finding": "penjing.core.finding",
    "Recipe": "penjing.core.recipe",
    "Run": "penjing.core.run",
    "Score": "penjing.core.score",
    "tune_process": "penjing.core.process",
}

__all__ = [
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
    "tune_process",
]

if TYPE_CHECKING:
    from penjing.core.errors import DataError, MissingExtra, PenjingError, RunError, TargetMissed, UsageError
    from penjing.core.finding import Finding
    from penjing.core.process import tune_process
    from penjing.core.recipe import Recipe
    from penjing.core.run import Run
    from penjing.core.score import Score
    from penjing.estimators import PenjingClassifier, PenjingRegressor
    from penjing.verbs import (
        adopt,
        compare,
        dataset,
        diagnose,
        fit,
        inspect,
        plan,
        predict,
        report,
        resume,
        runs,
        test,
        treat,
    )


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'penjing' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
