import numpy as np

from penjing.core.randomness import key, stream


def test_one_address_always_gives_the_same_draws():
    assert np.array_equal(stream(3, "order", 5).random(4), stream(3, "order", 5).random(4))


def test_seed_purpose_and_step_each_change_the_draws():
    drawn = {key(0, "order"), key(1, "order"), key(0, "augment"), key(0, "order", 1)}
    assert len(drawn) == 4


def test_a_key_is_the_same_on_every_machine():
    assert key(0, "order", 0) == 6759659632403048684


def test_a_key_fits_a_torch_seed():
    assert all(0 <= key(seed, "x") < 2**63 for seed in range(1000))
