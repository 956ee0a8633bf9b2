"""The desk on which a hearer's rows are made anew from facts, beside the tables, before anything is written.

Hundreds of subjects at a time: what a handler asks for is what an earlier handler laid here, or it is not there, so
nothing is looked up. What was made is then compared with what the tables hold, and only what differs is written.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session


class Desk(Session):
    """A session for facts that are told again. Instances of the `mirrored` classes are laid out, not written.

    It works inside the given session's transaction; everything else it writes is undone unless it is committed.
    """

    def __init__(self, session: Session, mirrored: frozenset[type[Any]]) -> None:
        super().__init__(session.connection(), join_transaction_mode="create_savepoint", info={"replays": True})
        self._mirrored = mirrored
        self._laid: dict[tuple[type[Any], tuple[Any, ...]], Any] = {}

    def add(self, instance: object, *args: Any, **kwargs: Any) -> None:
        if type(instance) in self._mirrored:
            self._laid[type(instance), _key(instance)] = instance
        else:
            super().add(instance, *args, **kwargs)

    def get(self, entity: Any, ident: Any, **kwargs: Any) -> Any:
        if entity not in self._mirrored:
            return super().get(entity, ident, **kwargs)
        return self._laid.get((entity, ident if isinstance(ident, tuple) else (ident,)))

    def merge(self, instance: Any, **kwargs: Any) -> Any:
        kind = type(instance)
        if kind not in self._mirrored:
            return super().merge(instance, **kwargs)
        laid = self._laid.setdefault((kind, _key(instance)), instance)
        if laid is not instance:
            for attribute in inspect(kind).column_attrs:
                if attribute.key in instance.__dict__:
                    setattr(laid, attribute.key, instance.__dict__[attribute.key])
        return laid

    def delete(self, instance: object) -> None:
        if type(instance) in self._mirrored:
            del self._laid[type(instance), _key(instance)]
        else:
            super().delete(instance)

    def laid(self, kind: type[Any]) -> list[dict[str, Any]]:
        """The rows of one mirrored class, by column, with the values a new row has by itself."""
        attributes = [(attribute.key, attribute.columns[0]) for attribute in inspect(kind).column_attrs]
        rows = []
        for (one, _), instance in self._laid.items():
            if one is kind:
                given = instance.__dict__
                rows.append(
                    {
                        column.name: given[key] if key in given else _by_itself(column)
                        for key, column in attributes
                    }
                )
        return rows


def _by_itself(column: Any) -> Any:
    default = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def _key(instance: object) -> tuple[Any, ...]:
    mapper = inspect(type(instance))
    return tuple(getattr(instance, mapper.get_property_by_column(c).key) for c in mapper.primary_key)
