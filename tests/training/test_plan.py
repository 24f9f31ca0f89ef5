import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.core.recipe import Training
from penjing.training._plan import batch_at, evaluations_due, progress, replanned, total_steps


def test_without_replans_progress_is_the_share_of_steps():
    assert [progress(step, Training(steps=10)) for step in (0, 5, 10)] == [0, 0.5, 1]


def test_a_replan_stretches_the_rest_and_leaves_the_past_alone():
    plan = Training(steps=100)
    longer = replanned(plan, 50, 150)
    assert [progress(step, longer) for step in range(51)] == [progress(step, plan) for step in range(51)]
    assert progress(100, longer) == pytest.approx(0.75)
    assert progress(150, longer) == 1
    assert total_steps(longer) == 150


@given(st.integers(1, 400), st.lists(st.tuples(st.integers(1, 60), st.integers(1, 300)), max_size=4))
def test_progress_rises_from_zero_to_one_whatever_was_replanned(steps, changes):
    plan, at = Training(steps=steps), 0
    for ahead, more in changes:
        at += ahead
        if at >= total_steps(plan):
            break
        plan = replanned(plan, at, at + more)
    values = [progress(step, plan) for step in range(total_steps(plan) + 1)]
    assert values == sorted(values)
    assert values[0] == 0
    assert values[-1] == pytest.approx(1)


@given(st.integers(1, 500), st.integers(1, 20))
def test_evaluations_are_as_many_as_asked_and_the_last_is_at_the_end(steps, evaluations):
    plan = Training(steps=steps, evaluations=evaluations)
    due = [step for step in range(1, steps + 1) if evaluations_due(step, plan)]
    assert len(due) == min(steps, evaluations)
    assert due[-1] == steps


def test_an_incomplete_last_batch_is_left_out():
    assert [batch_at(step, 10, 4) for step in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_batch_size_zero_is_the_whole_training_part():
    assert [batch_at(step, 10, 0) for step in range(3)] == [(0, 0), (1, 0), (2, 0)]
