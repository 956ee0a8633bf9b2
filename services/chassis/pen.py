"""Rows of several tables and the facts that tell of them, written together at the end of a deed.

A server is asked once, however many rows there are: they travel as JSON, and one statement writes them all. A file is
asked once for each table: there is nobody to wait for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from services.chassis import outbox


class Pen:
    """What is written into `session` when `write` is called; until then nothing of it can be read there."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._rows: dict[Table, list[dict[str, Any]]] = {}
        self._facts: list[outbox.Fact] = []
        self._subjects: set[UUID] = set()

    def row(self, table: Table, row: dict[str, Any]) -> None:
        """A new row; all rows of one table name the same columns."""
        self._rows.setdefault(table, []).append(row)

    def publish(self, event: type[outbox.Event], about: object, *, now: datetime, trace: str = "") -> UUID:
        """Promise a fact, as `outbox.publish` does; `trace` is that of its own request, if not the session's."""
        fact = outbox.fact(self.session, event, about, now=now, trace=trace)
        if fact["subject"] in self._subjects:
            # Facts about one subject are counted one by one.
            self.write()
        self._subjects.add(fact["subject"])
        self._facts.append(fact)
        event_id: UUID = fact["event_id"]
        return event_id

    def write(self) -> None:
        """Write everything, after what the session itself has to write."""
        self.session.flush()
        rows, facts = self._rows, self._facts
        self._rows, self._facts, self._subjects = {}, [], set()
        if self.session.get_bind().dialect.name == "postgresql":
            if rows or facts:
                shapes = tuple((table, tuple(table_rows[0])) for table, table_rows in rows.items())
                sent = {f"rows_{number}": _json(table_rows) for number, table_rows in enumerate(rows.values())}
                if facts:
                    sent["facts"] = _json(outbox.numbered(facts))
                self.session.execute(_at_once(shapes, tells=bool(facts)), sent)
        else:
            for table, table_rows in rows.items():
                self.session.execute(_insert(table), table_rows)
            outbox.tell_in_file(self.session, facts)
        if facts:
            outbox.wake(self.session)


@cache
def _insert(table: Table) -> Any:
    return insert(table)


@cache
def _at_once(shapes: tuple[tuple[Table, tuple[str, ...]], ...], *, tells: bool) -> TextClause:
    """The statement for rows of these tables and columns, and facts if it `tells`."""
    parts = [_into(table, columns, f"rows_{number}") for number, (table, columns) in enumerate(shapes)]
    if tells:
        parts += outbox.PARTS
    *before, last = parts
    named = ", ".join(f"{name} as ({body})" for name, body in before)
    return text(f"with {named} {last[1]}" if named else last[1])


def _into(table: Table, columns: tuple[str, ...], given: str) -> tuple[str, str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    quoted = [dialect.identifier_preparer.quote(name) for name in columns]
    typed = ", ".join(
        f"{name} {table.c[column].type.compile(dialect)}" for name, column in zip(quoted, columns, strict=True)
    )
    names = ", ".join(quoted)
    # The rows are parameters; the names are those of our own tables.
    said = f"insert into {table.name} ({names}) select {names} from json_to_recordset(cast(:{given} as json)) as row ({typed})"  # noqa: S608, E501
    return given, said


def _json(rows: list[dict[str, Any]] | list[Mapping[str, Any]]) -> str:
    return json.dumps(rows, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"naive datetime: {value!r}")
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
