"""A write that came with a key is carried out once: its answer is kept, and the same key gets the same answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import Response, request
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.db import once
from services.chassis.errors import Refused
from services.chassis.ledger import upsert

_KEPT_HEADERS = {"location", "content-type", "set-cookie"}
# Made once: to make a statement takes longer than to use it.
_KEEP = once.update().where(once.c.key == bindparam("of_key"))
_TAKEN = select(once.c.key).where(once.c.key.in_(bindparam("keys", expanding=True)))


class KeyUsedOtherwise(Refused):
    code, status = "key-used-otherwise", HTTPStatus.UNPROCESSABLE_ENTITY


def given() -> str:
    """What the caller calls this write (the `Idempotency-Key` header, or the form's `once` field), or nothing."""
    return (request.headers.get("Idempotency-Key") or request.form.get("once") or "")[:200]


def of_request() -> str | None:
    """The key of this request, or None when it has none."""
    named = given()
    if not named:
        return None
    # A key is only its owner's: the same one on another address or from another person is another key. Who signed in
    # again meanwhile, with another cookie, is the same person.
    owners = (f"{one.kind}:{one.id}" for one in (auth.actor(), auth.participant()))
    mixed = "\n".join((request.method, request.path, *owners, named))
    return hashlib.sha256(mixed.encode()).hexdigest()


def fingerprint() -> str:
    """What the request says, in short: another request with the same key says something else."""
    if request.form or request.files:
        parts = sorted((k, v) for k, v in request.form.items(multi=True) if k not in ("once", "csrf_token"))
        files = [(name, f.filename or "") for name, f in request.files.items(multi=True)]
        return hashlib.sha256(repr((parts, files)).encode()).hexdigest()
    return hashlib.sha256(request.get_data(cache=True)).hexdigest()


def take(session: Session, key: str, fingerprint: str, *, now: datetime) -> bool:
    """Whether this key is new; it is ours from now on."""
    row = {
        "key": key,
        "request_hash": fingerprint,
        "status": 0,
        "headers": [],
        "body": b"",
        "answered_at": now,
    }
    return session.execute(_taking(upsert(session)), row).first() is not None


def keep(session: Session, key: str, response: Response) -> None:
    """Keep the answer to a key that was taken."""
    session.execute(_KEEP, {"of_key": key, **_of(response)})


def row(key: str, fingerprint: str, response: Response, *, now: datetime) -> dict[str, Any]:
    """A key with its answer, for who writes both at once."""
    return {"key": key, "request_hash": fingerprint, **_of(response), "answered_at": now}


def taken(session: Session, keys: Iterable[str]) -> set[str]:
    """Which of these keys were answered already."""
    return set(session.scalars(_TAKEN, {"keys": list(keys)}))


def kept(session: Session, key: str, fingerprint: str) -> Response:
    """The answer that was kept. Raises KeyUsedOtherwise when it was one to something else."""
    row = session.execute(select(once).where(once.c.key == key)).one()
    if row.request_hash != fingerprint:
        raise KeyUsedOtherwise("This was sent already with other content. Reload the page and send it again.")
    answer = Response(row.body, status=row.status)
    answer.headers.clear()
    answer.headers.extend([(k, v) for k, v in row.headers])
    return answer


def _of(response: Response) -> dict[str, Any]:
    headers = [[k, v] for k, v in response.headers if k.lower() in _KEPT_HEADERS]
    return {"status": response.status_code, "headers": headers, "body": response.get_data()}


@cache
def _taking(insert_or: Any) -> Any:
    return insert_or(once).on_conflict_do_nothing().returning(once.c.key)
