"""People who ask for a seat of one gathering at the same moment: one transaction, one wait for the disk, many answers.

What is unusual is met alone, by the ordinary way: a key that was answered already, a gathering that changed since it
was read, a refusal. Nothing of it was written here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, Response, current_app
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from services.chassis import keys
from services.chassis.db import Database
from services.chassis.errors import Refused
from services.chassis.inbox import is_passing
from services.chassis.together import Together
from services.chassis.web import now
from services.registration import gatherings, newcomers, telling, waiting_list
from services.registration.models import Base, Gathering
from services.registration.web.doors import links

log = structlog.get_logger()

# As many as wait on a busy day; more would keep the first of them waiting for the last.
MOST = 32
# Gatherings that are remembered in one process.
_REMEMBERED = 200
_ONCE = Base.metadata.tables["once"]
# Two transactions waited for each other, and the server ended one of them; each alone will do.
_DEADLOCK = "40P01"

Answered = Callable[[Gathering, newcomers.Answer], Response]


@dataclass(frozen=True)
class _Asked:
    wish: newcomers.Wish
    version: int
    key: str | None
    fingerprint: str


def install(app: Flask, answered: Answered) -> None:
    """Give the app its crowd; `answered` makes the answer to who got a seat or waits."""
    app.extensions["crowd"] = Crowd(app.extensions["database"], answered)


def here() -> Crowd:
    found: Crowd = current_app.extensions["crowd"]
    return found


class Crowd:
    """The wishes of all who ask in this process, and the gatherings as they were read last."""

    def __init__(self, database: Database, answered: Answered) -> None:
        self._database, self._answered = database, answered
        self._gatherings: dict[str, Gathering] = {}
        self._together: Together[_Asked, Response | None] = Together(self._carry_out, most=MOST)

    def known(self, slug: str) -> Gathering | None:
        """The gathering as it was read last, which may be a while ago; None when there is none."""
        if slug not in self._gatherings:
            with self._database.reading() as session:
                found = gatherings.find(session, slug)
                if found is None:
                    return None
                self._remember(found)
        return self._gatherings.get(slug)

    def current(self, session: Session, slug: str) -> Gathering:
        """The gathering as it is now, to be read only: out of memory while its version is the same. Raises NotFound."""
        kept = self._gatherings.get(slug)
        if kept is not None and gatherings.version(session, slug) == kept.version:
            return kept
        gathering = gatherings.by_slug(session, slug)
        self._remember(gathering)
        return gathering

    def ask(self, gathering: Gathering, wish: newcomers.Wish) -> Response | None:
        """The answer to a wish that fits `gathering` as it is known, once it is safe; None: to be asked alone."""
        key = keys.of_request()
        asked = _Asked(wish, gathering.version, key, keys.fingerprint() if key else "")
        return self._together.ask(gathering.id, asked)

    def _carry_out(self, gathering_id: Hashable, asked: Sequence[_Asked]) -> list[Response | None]:
        if not isinstance(gathering_id, UUID):
            raise TypeError(f"{gathering_id!r} is no id of a gathering")
        try:
            return self._one_transaction(gathering_id, asked)
        except (DBAPIError, PoolTimeout) as error:
            if isinstance(error, PoolTimeout) or (is_passing(error) and not _is_deadlock(error)):
                raise
            log.warning("crowd_apart", people=len(asked), error=type(error.orig).__name__)
        except Exception as error:  # noqa: BLE001  who breaks it meets it again alone, and the others do not
            log.warning("crowd_apart", people=len(asked), exc_info=error)
        return [None] * len(asked)

    def _one_transaction(self, gathering_id: UUID, asked: Sequence[_Asked]) -> list[Response | None]:
        with self._database.transaction() as session:
            gathering = waiting_list.lock(session, gathering_id)
            # Under the lock: whoever asked with the same key before us has been answered by now, or asks alone.
            met = keys.taken(session, [one.key for one in asked if one.key])
            fit = []
            for one in asked:
                if one.version == gathering.version and one.key not in met:
                    fit.append(one)
                    met.update([one.key] if one.key else [])
            pen = telling.Pen(session, links(), now())
            answers = newcomers.ask_all(pen, gathering, [one.wish for one in fit])
            told: dict[int, Response] = {}
            for one, answer in zip(fit, answers, strict=True):
                if isinstance(answer, Refused):
                    continue
                response = self._answered(gathering, answer)
                if one.key:
                    pen.row(_ONCE, keys.row(one.key, one.fingerprint, response, now=pen.now))
                told[id(one)] = response
            pen.write()
        self._remember(gathering)
        return [told.get(id(one)) for one in asked]

    def _remember(self, gathering: Gathering) -> None:
        kept = self._gatherings.get(gathering.slug)
        if kept is not None and kept.version == gathering.version:
            return
        if len(self._gatherings) >= _REMEMBERED:
            self._gatherings.clear()
        # A copy belongs to no session: none can make it forget what it says.
        columns = inspect(Gathering).column_attrs.keys()
        copy = Gathering(**{name: getattr(gathering, name) for name in columns})
        self._gatherings[gathering.slug] = copy


def _is_deadlock(error: DBAPIError) -> bool:
    code: Any = getattr(error.orig, "sqlstate", None)
    return bool(code == _DEADLOCK)
