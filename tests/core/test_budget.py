import pytest

from penjing.core import budget
from penjing.core.budget import Clock


@pytest.fixture
def time_stands(monkeypatch):
    """A clock that moves only when it is told to."""
    now = [100.0]
    monkeypatch.setattr(budget.time, "monotonic", lambda: now[0])
    return now


def test_what_is_left_never_falls_below_zero(time_stands):
    clock = Clock(10.0, started=100.0)
    time_stands[0] = 104.0
    assert (clock.elapsed, clock.left) == (4.0, 6.0)
    time_stands[0] = 200.0
    assert clock.left == 0.0
    assert clock.training_left == 0.0


def test_training_leaves_time_for_what_comes_after(time_stands):
    assert Clock(10.0, started=100.0).training_left == pytest.approx(10.0 - budget.LEAST_CLOSING_SECONDS)
    assert Clock(1000.0, started=100.0).training_left == pytest.approx(1000.0 * (1 - budget.CLOSING_SHARE))


def test_stages_add_up_even_when_they_fail(time_stands):
    clock = Clock(10.0)

    def fail() -> None:
        with clock.stage("reading"):
            time_stands[0] += 1.5
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
    assert clock.spent == {"reading": 3.0}


def test_what_went_by_before_a_restart_is_kept_as_spent_only(time_stands):
    clock = Clock(10.0, started=100.0)
    with clock.stage("reading"):
        time_stands[0] += 45.0
    clock.restart()
    assert (clock.elapsed, clock.left) == (0.0, 10.0)
    assert clock.spent == {"reading": 45.0}
