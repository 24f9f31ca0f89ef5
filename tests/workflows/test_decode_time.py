"""Decoding has its share of the time, and some of what is left where looking at the items took long."""

import time

import pytest

from penjing.core.budget import Clock
from penjing.workflows._decode import DECODE_SHARE, LEAST_DECODE_SHARE, LOOK_DECODE_SHARE, decoded_until


@pytest.mark.parametrize(("gone", "share"), [(0.0, DECODE_SHARE), (0.5, 0.5 + 0.5 * LEAST_DECODE_SHARE)])
def test_decoding_ends_by_its_share_or_by_a_share_of_what_is_left(gone, share):
    clock = Clock(1000.0, started=time.monotonic() - 1000.0 * gone)
    assert decoded_until(clock) - clock.started == pytest.approx(1000.0 * share, abs=1.0)


def test_decoding_for_a_first_look_has_a_share_of_what_is_left_of_the_whole_time():
    whole = Clock(1000.0, started=time.monotonic() - 800.0)
    until = decoded_until(Clock(8.0, started=time.monotonic() - 500.0), whole)
    assert until - whole.started == pytest.approx(800.0 + 200.0 * LOOK_DECODE_SHARE, abs=1.0)


def test_where_no_deadline_binds_all_is_decoded():
    assert decoded_until(Clock(1000.0, is_binding=False)) is None
