"""What the containers may cost is judged, and only on a machine that can tell."""

from __future__ import annotations

import pytest

from tests.compose import bars
from tests.compose.bars import Rest

BUSY = bars.QUIET_PERCENT + 1


@pytest.mark.parametrize(
    ("cpu", "memory", "others", "missed"),
    [
        (bars.IDLE_PERCENT, bars.MEMORY_MB, 0.0, 0),
        (bars.IDLE_PERCENT + 0.1, bars.MEMORY_MB, 0.0, 1),
        (bars.IDLE_PERCENT + 0.1, bars.MEMORY_MB, BUSY, 0),
        (bars.IDLE_PERCENT, bars.MEMORY_MB + 1.0, BUSY, 1),
        (bars.IDLE_PERCENT + 0.1, bars.MEMORY_MB + 1.0, 0.0, 2),
    ],
)
def test_rest_is_judged_by_its_bars(cpu: float, memory: float, others: float, missed: int) -> None:
    rest = Rest({"web": cpu / 2, "relay": cpu / 2}, {"web": memory / 2, "relay": memory / 2}, others)

    assert len(rest.broken()) == missed


@pytest.mark.parametrize(("healthy_s", "others", "missed"), [(60.0, 0.0, 0), (60.5, 0.0, 1), (60.5, BUSY, 0)])
def test_being_well_late_is_judged_on_a_quiet_machine(healthy_s: float, others: float, missed: int) -> None:
    assert len(bars.too_late(healthy_s, others)) == missed


def test_each_image_has_a_bar_of_its_own() -> None:
    assert bars.too_large({"feedback": 200.0, "grouping": 255.5}) == ["image: grouping has 256 MB (bar 255)"]


def test_a_busy_machine_says_that_it_cannot_judge() -> None:
    assert "cannot judge" in bars.quiet(BUSY)
    assert "cannot judge" not in bars.quiet(0.0)
