"""Ctrl-C ends the models of the floor that are fitted in threads of their own."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from penjing.tasks import _floor
from penjing.tasks._floor import FloorResult, fit_floor
from penjing.tasks._floor.features import Features, as_features
from penjing.tasks._floor.kinds import fit
from penjing.tasks._floor.search import Method, _probe
from penjing.tasks._floor.stopping import StoppedError, ended_by, look
from penjing.tasks.classify import metric

LONG = 20.0  # seconds, after which a test that does not work fails
ITEMS = 60
X = np.random.default_rng(0).normal(size=(ITEMS, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
BOTH = np.stack([Y, 1 - Y], axis=1)
WORDS = Features(np.zeros((ITEMS, 0), dtype=np.float32), scipy.sparse.csr_matrix(np.abs(X)))
LINEAR = {"strength": 1.0, "class_weight": "none", "most_iterations": 100}
TEXT = {"weighting": "tfidf", "text_strength": 1.0, "class_weight": "none", "most_iterations": 100}
TREES = {"rate": 0.1, "leaves": 4, "class_weight": "none", "seed": 0}


def floor() -> list[FloorResult]:
    return fit_floor(X, Y, X, Y, 2, metric=metric("accuracy"), seconds=60.0, threads=2)


def work_long() -> None:
    """Work that looks whether it is wanted."""
    begun = time.monotonic()
    while time.monotonic() < begun + LONG:
        look()
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to a thread")
def test_ctrl_c_ends_both_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    searched, ended = threading.Barrier(3), []

    def long(*_: Any) -> None:
        searched.wait(LONG)
        try:
            work_long()
        finally:
            ended.append(threading.current_thread())

    def press() -> None:
        searched.wait(LONG)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    monkeypatch.setattr(_floor, "search", long)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have tests ignore it
    try:
        threading.Thread(target=press).start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            floor()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(set(ended)) == 2
    assert time.monotonic() - begun < LONG


def test_where_one_search_fails_the_other_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(method: Method, *_: Any) -> None:
        if method.name == "linear":
            raise MemoryError
        work_long()

    monkeypatch.setattr(_floor, "search", failing)
    begun = time.monotonic()
    with pytest.raises(MemoryError):
        floor()
    assert time.monotonic() - begun < LONG


@pytest.mark.parametrize(
    "work",
    [
        lambda: fit("classify", "linear", as_features(X), Y, 2, LINEAR, (as_features(X), Y), math.inf),
        lambda: fit("classify", "linear", WORDS, Y, 2, TEXT, (WORDS, Y), math.inf),
        lambda: fit("classify", "boosted_trees", as_features(X), Y, 2, TREES, (as_features(X), Y), time.monotonic()),
        lambda: fit("tag", "linear", as_features(X), BOTH, 2, LINEAR, (as_features(X), BOTH), math.inf),
    ],
    ids=["linear", "texts", "trees", "labels"],
)
def test_each_model_looks_whether_it_is_wanted(work: Callable[[], Any]) -> None:
    stop = threading.Event()
    with ended_by(stop):
        assert work() is not None
        stop.set()
        with pytest.raises(StoppedError):
            work()
    assert work() is not None  # elsewhere looking changes nothing


def test_no_trial_begins_that_is_not_wanted() -> None:
    stop = threading.Event()
    stop.set()
    method = Method("linear", lambda *_: pytest.fail("it was fitted"), [{}], {}, 1.0, 1.0)
    with ended_by(stop), pytest.raises(StoppedError):
        _probe(method, 3)
