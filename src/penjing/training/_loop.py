"""The training loop.

    for each batch:
        update                         one Step
        if an evaluation is due:       measure, keep the best, maybe stop
        if time asks for it:           replan the steps that are left
        if some seconds have passed:   checkpoint

Everything it does but replanning depends on the recipe and the data alone; replans are written in the recipe.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from penjing.core.events import Evaluated, Finished, Progress, Started, Watch, tell
from penjing.core.recipe import Training
from penjing.training._clock import now, synchronise
from penjing.training._loader import Loader
from penjing.training._plan import evaluations_due, progress, replanned, total_steps
from penjing.training._step import Supervised
from penjing.training._vitals import first_told

CHECKPOINT_SECONDS = 10.0
TOLD_STEPS, TOLD_SECONDS = 10, 1.0  # after either of which it is told how far a training is
# A replan is worth it only when the forecast is off by more than this share of what is left.
TOLERANCE = 0.05
LATEST_GROWTH = 0.8  # of a training, after which it is made no longer
LATE_SECONDS = 0.5  # that a plan may end too late for the sake of its last updates
STAGE = "training"
_CPU = torch.device("cpu")


@dataclass
class Pace:
    """Keeps a training within its time; without one the steps are never replanned.

    Attributes:
        deadline: when the last step must be done, on `time.monotonic`'s scale.
        most_steps: the number of updates beyond which more would not help.
    """

    deadline: float
    most_steps: int

    def wanted(self, training: Training, step: int, stride: _Stride) -> int | None:
        """A better total number of updates, or None when the plan still fits."""
        done = progress(step, training)
        evaluations = max(1, math.ceil(training.evaluations * (1 - done)))  # one is always due at the end
        seconds = self.deadline - time.monotonic() - stride.evaluation_seconds * evaluations
        affordable = step + int(seconds / max(stride.seconds, 1e-6))
        best = max(step + 1, min(affordable, self.most_steps))
        total = total_steps(training)
        few = 2 if best > total else min(2.0, LATE_SECONDS / max(stride.seconds, 1e-6))
        if abs(best - total) <= max(few, TOLERANCE * (total - step)):
            return None
        return best if best < total or done <= LATEST_GROWTH else None


@dataclass
class State:
    """Where a training is.

    Attributes:
        step: updates done.
        training: the plan, with its replans.
        best: the best value of the watched metric, None before the first evaluation.
        best_step: when that was.
        best_weights: the weights then.
        stale: evaluations since then.
        losses: the training losses since the last evaluation.
        first: what the very first update was; see `_vitals.first_told`.
        rows: of the last batch before an evaluation.
        is_lost: whether the weights are not numbers any more, so that no further update could help.
    """

    training: Training
    step: int = 0
    best: float | None = None
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stale: int = 0
    losses: list[Tensor] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)
    rows: Tensor | None = None
    is_lost: bool = False

    def facts(self) -> dict[str, Any]:
        """What of it is not a tensor, for a checkpoint."""
        return {
            "step": self.step,
            "steps": self.training.steps,
            "replans": [list(pair) for pair in self.training.replans],
            "best": self.best,
            "best_step": self.best_step,
            "stale": self.stale,
            "losses": [float(loss) for loss in self.losses],
            "first": self.first,
            "is_lost": self.is_lost,
        }

    def restore(self, facts: Mapping[str, Any], best_weights: dict[str, Tensor], device: torch.device) -> None:
        """Put back what `facts` gave, and the best weights; losses lie on the device, as those to come will."""
        replans = tuple((int(at), int(total)) for at, total in facts["replans"])
        # A plan that was changed on the way began from its own steps; one that was not may have been made anew since.
        steps = int(facts.get("steps", self.training.steps)) if replans else self.training.steps
        self.training = replace(self.training, steps=steps, replans=replans)
        self.step, self.best = int(facts["step"]), facts["best"]
        self.best_step, self.stale = int(facts["best_step"]), int(facts["stale"])
        self.losses = [torch.tensor(loss, device=device) for loss in facts["losses"]]
        self.first = dict(facts.get("first", {}))  # checkpoints of older versions have none
        self.is_lost = bool(facts.get("is_lost", False))
        self.best_weights = best_weights


@dataclass(frozen=True)
class Course:
    """What a training does, again and again.

    Attributes:
        step: one update.
        loader: the batches.
        factor: progress (0 to 1) → what multiplies the peak rate.
        evaluate: measures the network; gets the state and the mean training loss since the last time.
        value_of: the number to make large, out of what `evaluate` gave.
        is_recorded: whether anybody reads what single updates were.
        device: where updates are computed.
    """

    step: Supervised
    loader: Loader
    factor: Callable[[float], float]
    evaluate: Callable[[State, float], Mapping[str, float]]
    value_of: Callable[[Mapping[str, float]], float]
    is_recorded: bool = True
    device: torch.device = _CPU


def train(
    course: Course,
    state: State,
    *,
    pace: Pace | None = None,
    keep: Callable[[State], None] | None = None,
    watch: Watch = None,
) -> State:
    """Carry out a training to its end, from wherever `state` is.

    Args:
        course: what is done again and again.
        state: where to begin; it is changed in place.
        pace: keeps the training within its time.
        keep: writes a checkpoint; called at evaluations and every few seconds.
        watch: is told of every evaluation.

    Returns:
        `state`, with the best weights in it.
    """
    tell(watch, Started(STAGE, total_steps(state.training), "steps"))
    begun, kept, told = time.monotonic(), -math.inf, time.monotonic()
    with _own_randomness(course.device), course.loader.batches(state.step) as batches:
        stride, quarter = _Stride(course.device), _quarter(state)
        while state.step < total_steps(state.training) and not (_is_stale(state) or state.is_lost):
            batch = next(batches)
            factor = course.factor(progress(state.step, state.training))
            is_due = evaluations_due(state.step + 1, state.training)
            if course.is_recorded and (is_due or state.step == 0):
                course.step.look()
            loss = course.step.update(batch, state.step, factor)
            state.losses.append(loss)
            if course.is_recorded and state.step == 0 and not is_due:  # an evaluation looks at its update itself
                state.first = first_told(course.step.pulse(), float(loss))
            state.step += 1
            stride.count()
            if is_due:
                state.rows = batch.item
                with stride.evaluating():
                    _evaluate(course, state, watch)
            if pace is not None and stride.is_fresh:
                quarter = _replan(pace, state, stride, quarter)
            # The first checkpoint waits for the plan that the deadline asks for: a resumed training never replans.
            has_plan = pace is None or stride.is_known
            if keep is not None and has_plan and time.monotonic() - kept > CHECKPOINT_SECONDS:
                keep(state)
                kept = time.monotonic()
            if watch is not None and (state.step % TOLD_STEPS == 0 or time.monotonic() - told > TOLD_SECONDS):
                tell(watch, Progress(STAGE, state.step, total=total_steps(state.training)))
                told = time.monotonic()
        if keep is not None:
            keep(state)  # a training that has ended stays ended, whatever kills what comes after it
        synchronise(course.device)  # the seconds of what comes after it are not those of its last updates
    tell(watch, Finished(STAGE, time.monotonic() - begun))
    return state


def _is_stale(state: State) -> bool:
    return bool(state.training.patience) and state.stale >= state.training.patience


class _Stride:
    """How long one update takes now (the mean over the last stretch without an evaluation), and one evaluation.

    The clock is read once the device has done all updates so far. To wait for it at each would leave it idle while the
    processor prepares the next one, so that is done only where the mean is read.
    """

    ENOUGH = 8
    SLOW_SECONDS = 1.0  # a stretch this long says enough, however few updates it holds

    def __init__(self, device: torch.device = _CPU) -> None:
        self.device = device
        self.seconds, self.evaluation_seconds = math.nan, 0.0
        self._since, self._steps = now(device), 0
        self._has_begun = self.is_fresh = False

    def count(self) -> None:
        """One update more. `is_fresh` says afterwards whether the mean has just taken in another few of them."""
        if not self._has_begun:  # the first update makes what all others use, and says little of them
            self._has_begun, self._since = True, now(self.device)
            return
        self._steps += 1
        passed = time.monotonic() - self._since
        is_told = self._steps >= self.ENOUGH or passed > self.SLOW_SECONDS
        is_slow = passed * self.ENOUGH > self.SLOW_SECONDS * self._steps
        self.is_fresh = is_told and (is_slow or self._steps % self.ENOUGH == 0)
        if self.is_fresh:
            self.seconds = (now(self.device) - self._since) / self._steps

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        begun = now(self.device)
        yield
        self.evaluation_seconds = now(self.device) - begun
        if self._steps >= self.ENOUGH:
            self._since, self._steps, self.is_fresh = time.monotonic(), 0, False
        else:  # evaluations closer than a stretch: go on counting, without their time
            self._since += self.evaluation_seconds

    @property
    def is_known(self) -> bool:
        return not math.isnan(self.seconds)


def _quarter(state: State) -> int:
    """How many quarters of its plan are behind it."""
    return int(4 * progress(state.step, state.training))


def _replan(pace: Pace, state: State, stride: _Stride, quarter: int) -> int:
    """Plan anew where time asks for it: fewer updates at any time, for the deadline wins; more only at the first look
    in each quarter.

    Args:
        quarter: that the last look fell in.

    Returns:
        The quarter that this one falls in.
    """
    reached = _quarter(state)
    total = pace.wanted(state.training, state.step, stride)
    if total is not None and (total < total_steps(state.training) or reached > quarter):
        state.training = replanned(state.training, state.step, total)
    return reached


def _evaluate(course: Course, state: State, watch: Watch) -> None:
    values = course.evaluate(state, _mean(state.losses))
    state.losses = []
    value = course.value_of(values)
    state.stale += 1
    # A later equal is taken: it was trained on a lower rate.
    if math.isfinite(value) and (state.best is None or value >= state.best):
        state.stale = 0 if state.best is None or value > state.best else state.stale
        state.best, state.best_step, state.best_weights = value, state.step, course.step.weights()
    state.is_lost = not math.isfinite(value) and not course.step.is_sound()
    tell(watch, Evaluated(state.step, values))


def _mean(losses: list[Tensor]) -> float:
    return float(torch.stack(losses).mean()) if losses else math.nan


class _own_randomness:  # noqa: N801 - a context manager reads as a verb
    """Torch's global generators are seeded at every step; outside the loop they stay as they were."""

    def __init__(self, device: torch.device) -> None:
        self._makers = [torch] if device.type == "cpu" else [torch, getattr(torch, device.type)]

    def __enter__(self) -> None:
        self._states = [maker.get_rng_state() for maker in self._makers]

    def __exit__(self, *_: object) -> None:
        for maker, state in zip(self._makers, self._states, strict=True):
            maker.set_rng_state(state)
