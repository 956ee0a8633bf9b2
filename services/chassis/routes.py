"""Who hears what: the one table of infra/routes.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parents[2] / "infra" / "routes.toml"


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(PLACE.read_text(encoding="utf-8"))


@cache
def hearers() -> dict[str, tuple[str, ...]]:
    """The services that hear each type of fact, by type. Raises FileNotFoundError when the table is not there."""
    return {event_type: tuple(row["heard_by"]) for event_type, row in _table().items()}


@cache
def answers() -> dict[str, str]:
    """The fact that each answer answers, by the answer's type."""
    return {event_type: row["answers"] for event_type, row in _table().items() if "answers" in row}


@cache
def services() -> tuple[str, ...]:
    """Every service that tells or hears something, in the alphabet's order."""
    table = hearers()
    tellers = {event_type.partition(".")[0] for event_type in table}
    return tuple(sorted(tellers.union(*table.values())))
