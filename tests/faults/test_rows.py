"""Three rows of the matrix, with few facts; `make faults` runs ten minutes of it and `make faults-all` the whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.befall import make_of
from tests.faults.rig import CannotHere, Ground, Rig
from tests.faults.rows import ALL, DATABASES, TESTED, Row, selection
from tests.faults.run import run


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    # Not in pytest's folder: the next run of pytest by root closes that one to the account lent to PostgreSQL.
    with tempfile.TemporaryDirectory(prefix="palabre-faults-") as folder:
        ground = Ground(Path(folder))
        yield ground
        ground.close()


@pytest.mark.parametrize("row", TESTED, ids=str)
def test_nothing_is_lost_or_done_twice_or_out_of_order(ground, row: Row):
    try:
        with Rig(ground, make_of(row)) as rig:
            told = run(rig, row, facts=row.facts, hands=4)
    except CannotHere as why:
        pytest.skip(str(why))

    assert (told["broken"], told["faults"]) == ([], row.times)


def test_every_row_of_the_matrix_has_a_name_of_its_own():
    names = [str(row) + row.database for row in ALL]

    assert sorted(names) == sorted(set(names))


def test_the_selection_holds_every_short_row_once_and_both_databases():
    chosen = selection()

    assert [str(row) for row in chosen] == [str(row) for row in ALL if row.short]
    assert {row.database for row in chosen} == set(DATABASES)
