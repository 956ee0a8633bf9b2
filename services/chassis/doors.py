"""Doors for programs: who may knock at them, what they read and answer, and the OpenAPI document that says so.

What a door asks for is said once, beside it, and both kept and documented from there: who must be signed in, what it
reads, whether it writes (then it takes an `Idempotency-Key`), whether it may be asked for an older state (`If-Match`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webargs.flaskparser import FlaskParser

from services.chassis import auth, i18n
from services.chassis.errors import Misshapen, Refused, SignInNeeded
from services.chassis.reference import ANYBODY, GUARD, JSON, KEYS, PARTICIPANTS, READS, tell
from services.chassis.shapes import as_json_says

V = TypeVar("V", bound=Callable[..., Any])


class NotAcceptable(Refused):
    code, status = "not-acceptable", HTTPStatus.NOT_ACCEPTABLE


class UnreadableKind(Refused):
    code, status = "unsupported-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unreadable(Refused):
    code, status = "unreadable", HTTPStatus.BAD_REQUEST


class ChangedMeanwhile(Refused):
    code, status = "changed-meanwhile", HTTPStatus.PRECONDITION_FAILED


class Reader(FlaskParser):
    """Reads what came with a request; what cannot be read is refused like everything else."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": "exclude"}

    def pre_load(self, location_data: Any, *, schema: Schema, req: Any, location: str) -> Any:
        return as_json_says(schema, location_data) if location == "json" else location_data

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> Any:
        told = error.messages
        if isinstance(told, dict) and len(told) == 1:
            (told,) = told.values()
        raise Misshapen(i18n.sentences(told)) from error

    def _handle_invalid_json_error(self, error: Any, req: Any, *_: Any, **__: Any) -> Any:
        raise Unreadable("What arrived is not JSON.") from error


class Doors(Blueprint):  # type: ignore[misc]
    """Some doors of a service's JSON API. Each wants an organiser who is signed in, unless it says otherwise."""

    ARGUMENTS_PARSER = Reader()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(tell)
        self.before_request(_admit)
        self.after_request(_tag)

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Callable[[V], V]:
        """As flask-smorest's; without a schema there is nothing in the answer."""
        described: Callable[[V], V] = super().response(status_code, schema, **kwargs)
        if schema is not None or kwargs.get("content_type"):
            return described

        def silent(view: V) -> V:
            @wraps(view)
            def answered(*args: Any, **kwargs: Any) -> Response:
                view(*args, **kwargs)
                nothing = Response(status=status_code)
                del nothing.headers["Content-Type"]
                return nothing

            return described(answered)  # type: ignore[return-value]

        return silent

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Callable[[V], V]:
        """As flask-smorest's; a body may stay away when nothing in it is wanted."""
        made = schema() if isinstance(schema, type) else schema
        is_wanted = any(one.required for one in made.load_fields.values()) and not made.partial
        read: Callable[[V], V] = super().arguments(
            schema, location=location, **{"required": is_wanted, **kwargs}
        )
        return read

    def _store_endpoint_docs(self, endpoint: str, obj: Any, parameters: Any, tags: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, parameters, tags, **options)
        for method, told in self._docs[endpoint].items():
            if method != "parameters":
                named = {"operationId": f"{self.name}_{endpoint}".replace("-", "_")}
                told["manual_doc"] = {**named, **told.get("manual_doc", {})}


def to_anybody(view: V) -> V:
    """A door that opens to whoever knocks, or that a key in the request opens."""
    return _noted(view, **{GUARD: ANYBODY})


def to_participants(view: V) -> V:
    """A door that the cookie of a personal link opens."""
    return _noted(view, **{GUARD: PARTICIPANTS})


def to_key_holders(setting: str) -> Callable[[V], V]:
    """A door for the operator's own machines, which show the key that stands in this setting; none opens it while there
    is no key.
    """
    return lambda view: _noted(view, **{GUARD: KEYS, "key": setting})


def unless_changed(shown: Callable[..., Any]) -> Callable[[V], V]:
    """A door that writes where `shown` reads: with `If-Match`, only while `shown` would answer with that tag.

    It stands right below `transacted`. Those who name a tag at one address wait for each other, so that only one of
    them finds it unchanged.
    """
    looked = shown.__wrapped__  # type: ignore[attr-defined]

    def at(view: V) -> V:
        @wraps(view)
        def matched(session: Session, *args: Any, **kwargs: Any) -> Any:
            if "If-Match" in request.headers:
                _take_turn(session, request.path)
                there = current_app.make_response(looked(session, **(request.view_args or {})))
                if not request.if_match.contains(_tag_of(there)):
                    raise ChangedMeanwhile("Somebody else has changed this since you read it.")
                session.expire_all()
            return view(session, *args, **kwargs)

        return _noted(matched, tagged=True)  # type: ignore[return-value]

    return at


def _noted(view: V, **told: Any) -> V:
    view._apidoc = {**getattr(view, "_apidoc", {}), **told}  # type: ignore[attr-defined]
    return view


def _told_of_this_door() -> dict[str, Any]:
    view = current_app.view_functions[request.endpoint or ""]
    told: dict[str, Any] = getattr(view, "_apidoc", {})
    return told


def _admit() -> None:
    """Who asks is looked at first: what they send is read of nobody who may not send it."""
    if request.method == "OPTIONS":
        return
    told = _told_of_this_door()
    _identify(told)
    offered, accepted = _kinds(told), request.accept_mimetypes
    if offered and accepted.provided and not accepted.best_match(offered):
        raise NotAcceptable("Ask for %(kinds)s: nothing else is said here.", kinds=", ".join(offered))
    if _reads_json(told) and request.content_length != 0 and request.mimetype and not request.is_json:
        raise UnreadableKind("Send application/json: nothing else is read here.")


def _identify(told: dict[str, Any]) -> None:
    guard = told.get(GUARD)
    if guard == KEYS:
        if not auth.shows(told["key"]):
            raise SignInNeeded("Show the key of this door: the operator of the platform has it.")
    elif guard == PARTICIPANTS:
        if auth.participant().kind != "participant":
            raise SignInNeeded("Open the personal link of your letter first.")
    elif guard != ANYBODY and auth.actor().kind != "organiser":
        raise SignInNeeded("Sign in to open this page.")


def _kinds(told: dict[str, Any]) -> list[str]:
    """The kinds of content that a door answers with; none when it answers without."""
    answers = [one for many in told.get("response", {}).get("responses", {}).values() for one in many]
    return [
        one.get("content_type") or JSON
        for one in answers
        if isinstance(one, dict) and (one.get("content_type") or "schema" in one)
    ]


def _reads_json(told: dict[str, Any]) -> bool:
    return any(one["in"] == "json" for one in told.get("arguments", {}).get("parameters", ()))


def _tag(response: Response) -> Response:
    """Each state has its name, and who holds it already is told only that."""
    if response.status_code != HTTPStatus.OK or response.mimetype != JSON or response.is_streamed:
        return response
    if request.method in READS or _told_of_this_door().get("tagged"):
        response.set_etag(_tag_of(response))
        response.make_conditional(request)
    return response


def _tag_of(response: Response) -> str:
    return hashlib.sha256(response.get_data()).hexdigest()[:32]


def _take_turn(session: Session, path: str) -> None:
    """Until the transaction ends; SQLite lets one write at a time as it is."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))
