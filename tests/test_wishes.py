"""Keyword arguments of the verbs become wishes that a run folder can hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from penjing._wishes import data_wish, fit_wish
from penjing.core.errors import UsageError
from penjing.workflows._wish import plain_wish

USUAL: dict[str, Any] = {"device": "cpu", "pictures": True, "final": False}


@pytest.mark.parametrize("number", [np.int64, np.uint8, np.array, torch.tensor])
def test_whole_numbers_of_any_library_are_numbers(number: Any) -> None:
    wish = fit_wish({**USUAL, "seed": number(1), "folds": number(5), "side": number(32), "split_seed": number(2)})
    plain = plain_wish(wish)
    assert json.loads(json.dumps(plain)) == json.loads(
        json.dumps(plain_wish(fit_wish({**USUAL, "seed": 1, "folds": 5, "side": 32, "split_seed": 2})))
    )


def test_shares_and_settings_of_numpy_are_numbers() -> None:
    wish = fit_wish({**USUAL, "most_unreadable": np.float32(0.25), "set": {"model.width": np.int64(64)}})
    plain = plain_wish(wish)
    assert plain["data"]["most_unreadable"] == 0.25
    assert json.dumps(plain["recipe"]["assignments"]) == '{"model.width": 64}'


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"seed": 1.5}, "--seed 1.5 is of type float; give a whole number"),
        ({"seed": "1"}, "--seed '1' is of type str; give a whole number"),
        ({"folds": np.float64(5)}, "--folds 5.0 is of type float; give a whole number"),
        ({"split_seed": [1]}, r"--split-seed \[1\] is of type list; give a whole number"),
        ({"most_unreadable": "few"}, "--most-unreadable 'few' is of type str; give a number"),
    ],
)
def test_what_is_no_number_is_refused_before_any_data_are_read(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        fit_wish({**USUAL, **said})
    if "seed" not in said:
        with pytest.raises(UsageError, match=sentence):
            data_wish(said)


class Share:
    """A metric that has settings."""

    def __call__(self, answers: np.ndarray, truth: np.ndarray) -> float:
        return float((answers.argmax(1) == truth).mean())


def test_a_metric_that_has_no_name_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be found again from a recipe; put the function into a file"):
        fit_wish({**USUAL, "metric": Share()})
