"""Networks for tables behind scikit-learn's interface: `PenjingClassifier` and `PenjingRegressor`.

They learn from all rows that they are given: a part of them is validation, by which the weights are chosen and
probabilities are calibrated. No test part is set aside, because who calls `score` brings one. For a score that is
proven, with a seal and a report, use `pj.fit`.
"""

from __future__ import annotations

import operator
import time as clock
from dataclasses import replace
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # noqa: TID253 - this module is loaded on demand
from sklearn.utils.multiclass import check_classification_targets  # noqa: TID253
from sklearn.utils.validation import check_is_fitted, validate_data  # noqa: TID253

from penjing.core import plugins
from penjing.core.randomness import stream
from penjing.core.recipe import DataChoices, SplitChoices
from penjing.core.table import Column
from penjing.training import engine
from penjing.training._loader import Items
from penjing.training._loop import Pace
from penjing.training.engine import Problem
from penjing.workflows._choose import RecipeWish, base_recipe
from penjing.workflows._slots import TABLE, TableSlot

VALID_SHARE = 0.2
FEWEST_TO_CHOOSE = 10  # validation rows; fewer choose by chance, so all rows are trained on
TARGET = "y"


class _Estimator(BaseEstimator):
    """What both have in common.

    Args:
        time: the most seconds that `fit` trains.
        steps: updates, where the time allows them; then the same data give the same weights.
        seed: of the weights, the order of the rows and the choice of validation rows.
    """

    _TASK = ""

    def __init__(self, *, time: float = 10.0, steps: int = 1000, seed: int = 0) -> None:
        self.time = time
        self.steps = steps
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # a missing number is one of the things that a table's front end knows
        return tags

    def _learn(self, x: np.ndarray, truth: np.ndarray, names: tuple[str, ...]) -> None:
        """Train on rows whose targets are encoded as the task encodes them."""
        task = plugins.load("tasks", self._TASK)
        seed = operator.index(self.seed)  # it may be a number of NumPy
        train, valid = _dealt(task.stratify(truth), seed)
        slot = _slot(x)
        learned = slot.learn(train)
        shape = tuple(plugins.load("modalities", TABLE).shape(learned, slot.item_shape(learned)))
        problem = Problem(
            Items({TABLE: slot.values(learned)}, {TARGET: truth}),
            {TABLE: TABLE},
            {TABLE: learned},
            {TABLE: shape},
            TARGET,
            names,
            train,
            valid,
            task.learn(truth[train], names),
        )
        recipe = base_recipe(problem, self._TASK, RecipeWish(seed=seed), DataChoices(), SplitChoices())
        recipe = replace(
            recipe,
            training=replace(recipe.training, steps=self.steps),
            machine=replace(recipe.machine, threads=1),  # the same bits on every machine's number of cores
        )
        pace = Pace(clock.monotonic() + self.time, self.steps)
        try:
            trained = engine.carry_out(recipe, problem, pace=pace, is_recorded=False)
        except engine.NOTHING_LEARNED as problem_found:
            raise ValueError(str(problem_found)) from problem_found
        self.recipe_, self.network_, self.learned_ = trained.recipe, trained.network, learned
        outputs = engine.outputs(trained.network, problem.items, valid)
        self.calibrated_ = task.calibrate(outputs, truth[valid]) if len(valid) else None

    def _answers(self, x: Any) -> np.ndarray:
        """Float64[rows, outputs]: what the task makes of the network's outputs."""
        check_is_fitted(self)
        x = validate_data(self, x, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        items = Items({TABLE: _slot(x).values(self.learned_)})
        outputs = engine.outputs(self.network_, items, np.arange(len(x)))
        answer: np.ndarray = plugins.load("tasks", self._TASK).answer(outputs, self.calibrated_)
        return answer.astype(np.float64)


class PenjingClassifier(ClassifierMixin, _Estimator):
    """A network for a table of numbers that tells classes apart, as scikit-learn has its classifiers.

    Args:
        time: the most seconds that `fit` trains.
        steps: updates, where the time allows them; then the same data give the same weights.
        seed: of the weights, the order of the rows and the choice of validation rows.

    Attributes:
        classes_: as they stand in `y`, in natural order.
        recipe_: every choice of the training.
    """

    _TASK = "classify"

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from rows of numbers and their classes.

        Raises:
            ValueError: as scikit-learn does, or there is one class only.
        """
        x, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, truth = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y holds one class only; a classifier needs at least two classes to tell apart")
        self._learn(x, truth.astype(np.int64), tuple(map(str, self.classes_)))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Float64[rows, classes]: calibrated probabilities, in the order of `classes_`."""
        found = self._answers(X)
        return found / found.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The most probable class of each row."""
        best = self._answers(X).argmax(axis=1)
        found: np.ndarray = self.classes_[best]
        return found


class PenjingRegressor(RegressorMixin, _Estimator):
    """A network for a table of numbers that predicts a number, as scikit-learn has its regressors.

    Args:
        time: the most seconds that `fit` trains.
        steps: updates, where the time allows them; then the same data give the same weights.
        seed: of the weights, the order of the rows and the choice of validation rows.

    Attributes:
        recipe_: every choice of the training.
    """

    _TASK = "regress"

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Learn from rows of numbers and the number of each.

        Raises:
            ValueError: as scikit-learn does.
        """
        x, y = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2, y_numeric=True
        )
        self._learn(x, y.astype(np.float32), (TARGET,))
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Float64[rows]: the number of each row."""
        return self._answers(X)[:, 0]


def _slot(x: np.ndarray) -> TableSlot:
    """Rows of numbers as the table that networks look at."""
    columns = tuple(Column(f"x{number}", "input", "number") for number in range(x.shape[1]))
    cells = pl.DataFrame({one.name: x[:, number] for number, one in enumerate(columns)})
    return TableSlot(columns, cells.fill_nan(None))


def _dealt(strata: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, validation rows); the share of each stratum is the same in both. Few rows all train."""
    order = stream(seed, "validation rows").permutation(len(strata))
    valid = []
    for one in np.unique(strata):
        members = order[strata[order] == one]
        valid.append(members[: int(VALID_SHARE * len(members))])
    rows = np.sort(np.concatenate(valid))
    if len(rows) < FEWEST_TO_CHOOSE:
        return np.arange(len(strata)), np.empty(0, np.int64)
    return np.setdiff1d(np.arange(len(strata)), rows), rows
