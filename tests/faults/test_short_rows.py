"""A few rows of the matrix, each over a small day; `make faults` plays them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.day import street
from tests.faults.__main__ import Sufferer
from tests.faults.rows import SHORT, Row


@pytest.fixture(scope="module")
def sufferer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sufferer]:
    data: Path = tmp_path_factory.mktemp("faults")
    with street.started(data) as here:
        yield Sufferer(here, data)


@pytest.mark.parametrize("row", SHORT, ids=str)
def test_every_promise_is_kept_while_it_dies(sufferer, row: Row):
    told = sufferer.suffer(row)

    assert (told["done"], told["trouble"], told["broken"]) == (True, "", [])
    assert (told["facts_lost"], told["facts_twice"], told["letters_lost"], told["letters_twice"]) == (
        0,
        0,
        0,
        0,
    )
