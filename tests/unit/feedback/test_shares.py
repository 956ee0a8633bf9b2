from __future__ import annotations

import pytest

from services.feedback.counting.shares import share_bounds


@pytest.mark.parametrize(
    ("agree", "asked", "bounds"),
    [(0, 0, (0.0, 1.0)), (8, 10, (0.4902, 0.9433)), (0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0))],
)
def test_few_answers_leave_wide_bounds(agree, asked, bounds):
    assert share_bounds(agree, asked) == pytest.approx(bounds, abs=5e-5)


def test_more_cannot_agree_than_were_asked():
    with pytest.raises(ValueError, match="cannot agree"):
        share_bounds(11, 10)
