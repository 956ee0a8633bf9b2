"""In which order the databases are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from services.chassis import routes


class NoOrder(Exception):
    """Two services hear each other, and neither can be read first; one line."""


def hearers_first(
    table: Mapping[str, Sequence[str]] | None = None, answers: Collection[str] | None = None
) -> list[str]:
    """Every service of infra/routes.toml, each before those that it hears.

    What one tells itself does not count, and neither do answers: who is restored to a time before its answer is asked
    again, and answers again the same.

    Raises NoOrder: then all would have to be read at one instant.
    """
    heard_by = routes.hearers() if table is None else table
    uncounted = routes.answers() if answers is None else answers
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for event_type, hearers in sorted(heard_by.items()):
        teller = event_type.partition(".")[0]
        counted = () if event_type in uncounted else hearers
        sorter.add(teller, *(hearer for hearer in counted if hearer != teller))
    try:
        return list(sorter.static_order())
    except CycleError as ring:
        raise NoOrder(
            f"{' and '.join(ring.args[1][1:])} hear each other; a backup has no order to read them in."
        ) from None
