import pytest

from penjing.core.errors import UsageError
from penjing.core.units import seconds, show_bytes, show_seconds, size_bytes


@pytest.mark.parametrize(
    ("given", "expected"),
    [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1.5 min", 90), (7, 7), (0.5, 0.5), ("2 h 10 m", 7800)],
)
def test_durations_are_read_as_people_write_them(given, expected):
    assert seconds(given) == expected


@pytest.mark.parametrize("given", ["", "soon", "5x", "-5m", "0", 0, "5m!", "m5", float("nan"), True])
def test_what_is_no_duration_is_refused_in_a_sentence(given):
    with pytest.raises(UsageError, match="is not a duration"):
        seconds(given)


def test_sizes_tell_powers_of_a_thousand_from_powers_of_1024():
    assert size_bytes("100KB") == 100_000
    assert size_bytes("100KiB") == 102_400
    assert size_bytes(5) == 5


@pytest.mark.parametrize("given", ["big", "10XB", "0", "-1KB", ""])
def test_what_is_no_size_is_refused_in_a_sentence(given):
    with pytest.raises(UsageError, match="is not a size"):
        size_bytes(given)


def test_durations_are_shown_in_words_a_person_uses():
    shown = [show_seconds(value) for value in (0.42, 42, 59.7, 185, 3599.6, 7800)]
    assert shown == ["0.4 s", "42 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 10 min"]


def test_sizes_are_shown_with_a_sensible_unit():
    assert [show_bytes(value) for value in (512, 1300, 24_000_000, 999_600)] == ["512 B", "1.3 kB", "24 MB", "1.0 MB"]
