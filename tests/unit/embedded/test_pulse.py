from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.pulse import BEATS, SILENT_LOOKS, STARTING_LOOKS, Pulse, beat, beaten


def test_a_process_that_beats_no_more_stands_still():
    pulse = Pulse()
    pulse.look(1)

    looks = [pulse.look(1) for _ in range(SILENT_LOOKS)]

    assert looks == [False] * (SILENT_LOOKS - 1) + [True]


def test_a_process_may_take_its_time_to_start():
    pulse = Pulse(last=7)

    looks = [pulse.look(7) for _ in range(STARTING_LOOKS)]

    assert looks == [False] * (STARTING_LOOKS - 1) + [True]


@given(beats=st.lists(st.integers(0, 10**12), min_size=2, max_size=60, unique=True))
def test_a_process_that_beats_never_stands_still_whatever_the_clock_says(beats):
    pulse = Pulse()

    assert not any(pulse.look(each) for each in beats for _ in range(SILENT_LOOKS - 1))


def test_each_beat_can_be_seen(tmp_path):
    (tmp_path / BEATS).mkdir()
    before = beaten(tmp_path, "web.1")
    beat(tmp_path, "web.1")
    first = beaten(tmp_path, "web.1")
    beat(tmp_path, "web.1")

    assert before == 0
    assert 0 < first <= beaten(tmp_path, "web.1")


def test_a_beat_that_cannot_be_written_stops_nobody(tmp_path):
    beat(tmp_path / "nowhere", "web.1")

    assert beaten(tmp_path / "nowhere", "web.1") == 0
