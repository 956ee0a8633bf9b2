"""Which service answers which address: infra/prefixes.toml, read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

PLACE = Path(__file__).with_name("prefixes.toml")


def read(place: Path = PLACE) -> dict[str, list[str]]:
    """The prefixes of each service. Raises ValueError when two services claim one."""
    rows = {
        name: list(row["prefixes"]) for name, row in tomllib.loads(place.read_text(encoding="utf-8")).items()
    }
    claimed = [prefix for prefixes in rows.values() for prefix in prefixes]
    if twice := {prefix for prefix in claimed if claimed.count(prefix) > 1}:
        raise ValueError(f"claimed twice in {place.name}: {', '.join(sorted(twice))}")
    return rows


class Table:
    """Finds the service of a path: whole segments count, the longest prefix wins."""

    def __init__(self, rows: Mapping[str, Sequence[str]]) -> None:
        self._owner = {
            tuple(filter(None, prefix.split("/"))): name for name, row in rows.items() for prefix in row
        }
        self._deepest = max(map(len, self._owner))

    def service(self, path: str) -> str:
        """The service that answers `path`; the owner of "/" has what nobody claims."""
        segments = tuple(path.split("/", self._deepest + 1)[1 : self._deepest + 1])
        for depth in range(len(segments), 0, -1):
            if owner := self._owner.get(segments[:depth]):
                return owner
        return self._owner[()]
