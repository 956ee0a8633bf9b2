"""A Flask app as every service wears it: transactions at the door, refusals told in one place, health."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, request
from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from services.chassis import doorkeeper, health, i18n, keys, metrics, pages
from services.chassis.db import Database
from services.chassis.doors import Doors
from services.chassis.errors import Forbidden, Misshapen, Refused
from services.chassis.inbox import is_passing
from services.chassis.outbox import new_trace
from services.chassis.reference import Reference
from services.chassis.service import Service
from services.chassis.settings import Settings

log = structlog.get_logger()
View = TypeVar("View", bound=Callable[..., Any])


def new_app(service: Service, database: Database, settings: Settings) -> Flask:
    """An app with nothing of the product in it yet: errors, pages, language, health, the signed-in person."""
    app = Flask(
        f"services.{service.name}",
        root_path=str(service.folder),
        static_folder=None,
        template_folder="templates",
    )
    app.config.update(
        SECRET_KEY=settings.secret_key or uuid4().hex,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_before),
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
    )
    app.extensions["database"] = database
    app.extensions["settings"] = settings
    app.extensions["service"] = service
    if behind := settings.proxies_before_us:
        # The last ones of the list are our own proxies'; what stands before them, anybody may have written.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=behind, x_proto=1)  # type: ignore[method-assign]
    app.before_request(_begin)
    # Before all that may refuse a request: those are counted too.
    metrics.install(app, service)
    app.after_request(_note_writing)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(ValidationError, _misshapen)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DataError, _unkeepable)
    app.register_error_handler(DBAPIError, _away)
    app.register_error_handler(PoolTimeout, _away)
    app.register_error_handler(Exception, _broken)
    doorkeeper.install(app, settings)
    i18n.install(app, service.name)
    pages.install(app, service, settings)
    app.add_url_rule(f"/api/{service.name}/health", "health", _health)
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.add_url_rule("/readyz", "readyz", _health)
    return app


def open_doors(app: Flask, *doors: Doors) -> Reference:
    """The service's JSON API behind these doors; its OpenAPI document stands at /api/<service>/openapi.json."""
    name: str = app.extensions["service"].name
    app.config.update(
        API_TITLE=f"Palabre {name}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=f"/api/{name}",
        OPENAPI_JSON_PATH="openapi.json",
    )
    reference = Reference(app)
    # flask-smorest brings its own handler; ours speaks problem+json to programs and pages to people.
    app.register_error_handler(HTTPException, _http)
    reference.describe(home=app.extensions["settings"].public_url, name=name)
    for one in doors:
        reference.register_blueprint(one)
    return reference


def database() -> Database:
    """The database of the service that answers this request."""
    found: Database = current_app.extensions["database"]
    return found


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def now() -> datetime:
    """The hour, asked once a request so that everything in it happens at one time."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    hour: datetime = g.now
    return hour


def reading(view: View) -> View:
    """Give the view a read-only session as its first argument."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Any:
        with database().reading() as session:
            return make_response(view(session, *args, **kwargs))

    return opened  # type: ignore[return-value]


def transacted(view: View) -> View:
    """Give the view a session as its first argument and commit when it answers below 400.

    A request that carries a key (the `Idempotency-Key` header, or the form's `once` field) is carried out once: its
    answer is kept in the same transaction, and the same key gets the same answer again. A key that comes back with
    another request is refused with `key-used-otherwise`.
    """

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Any:
        key = keys.of_request()
        fingerprint = keys.fingerprint() if key else ""
        try:
            with database().transaction(trace=g.trace) as session:
                # The row is taken first: a twin of this request waits here until we have answered.
                if key and not keys.take(session, key, fingerprint, now=now()):
                    kept = keys.kept(session, key, fingerprint)
                    # It says that something was saved, and its own request may still be waiting for the disk.
                    database().settle()
                    return kept
                response = make_response(view(session, *args, **kwargs))
                if response.status_code >= HTTPStatus.BAD_REQUEST:
                    raise _Undone(response)
                if key:
                    keys.keep(session, key, response)
                return response
        except _Undone as undone:
            return undone.response

    opened._apidoc = {**getattr(view, "_apidoc", {}), "writes": True}  # type: ignore[attr-defined]
    return opened  # type: ignore[return-value]


class _Undone(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def _begin() -> None:
    given = request.headers.get("traceparent", "")
    g.trace = given if len(given) == 55 and given.count("-") == 3 else new_trace()
    structlog.contextvars.bind_contextvars(trace=g.trace.split("-")[1])


def _note_writing(response: Response) -> Response:
    """Each request that may have changed something is a line in the log: where a trace begins."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        route = request.url_rule.rule if request.url_rule else "unknown"
        log.info("answered", method=request.method, route=route, status=response.status_code)
    return response


def wants_problem() -> bool:
    """Programs are answered in problem+json (RFC 9457), people with a page."""
    return request.path.startswith("/api/") or (
        request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"
    )


def problem(status: int, code: str, detail: str, **members: object) -> Response:
    """An answer in application/problem+json."""
    response = jsonify(
        {
            "type": f"urn:palabre:problem:{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
            **members,
        }
    )
    response.status_code, response.mimetype = status, "application/problem+json"
    return response


def _refused(refusal: Refused) -> Response:
    response = _told(refusal)
    if "retry_after_s" in refusal.members:
        response.headers["Retry-After"] = str(refusal.members["retry_after_s"])
    if response.status_code == HTTPStatus.UNAUTHORIZED and request.path.startswith("/api/"):
        response.headers["WWW-Authenticate"] = _challenge()
    return response


def _challenge() -> str:
    """How programs come in (RFC 6750); who sent a token is told that it is over or none of ours."""
    sent = "Authorization" in request.headers
    return 'Bearer realm="palabre"' + (', error="invalid_token"' if sent else "")


def _told(refusal: Refused) -> Response:
    status, detail = int(refusal.status), pages.sentence(refusal)
    errors: dict[str, list[str]] = getattr(refusal, "errors", {})
    if refusal.field:
        errors = {refusal.field: [detail]}
    if wants_problem():
        members = {**refusal.members, **({"errors": errors} if errors else {})}
        return problem(status, refusal.code, detail, **members)
    return pages.refused(refusal)


def _misshapen(error: ValidationError) -> Response:
    return _refused(Misshapen(i18n.sentences(error.messages)))


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())
    if wants_problem():
        code = HTTPStatus(status).phrase.lower().replace(" ", "-")
        response = problem(status, code, error.description or HTTPStatus(status).description)
        # What may be done instead (Allow), and when (Retry-After).
        told = [(name, said) for name, said in error.get_headers() if name != "Content-Type"]
        response.headers.extend(told)
        return response
    return pages.http_error(status)


class Unkeepable(Refused):
    code, status = "unkeepable", HTTPStatus.UNPROCESSABLE_ENTITY


def _unkeepable(_: DataError) -> Response:
    """PostgreSQL keeps no text with a NUL in it and no number beyond its column; nobody types either by hand."""
    return _refused(
        Unkeepable("Something in what was sent cannot be kept: a sign that no text has, or too large a number.")
    )


def _away(error: DBAPIError | PoolTimeout) -> Response:
    """The database is away, busy or starting: the same request may succeed in a moment, and may be sent again."""
    if isinstance(error, DBAPIError) and not is_passing(error):
        return _broken(error)
    log.warning("database_away", error=type(error).__name__)
    if wants_problem():
        said = pages.say("Something broke on our side. Nothing was saved; try again.")
        response = problem(503, "busy", said)
    else:
        response = pages.http_error(503)
    response.headers["Retry-After"] = "2"
    return response


def _broken(error: Exception) -> Response:
    log.error("request_broke", path=request.url_rule.rule if request.url_rule else "", exc_info=error)
    if wants_problem():
        return problem(
            500, "our-fault", pages.say("Something broke on our side. Nothing was saved; try again.")
        )
    return pages.http_error(500)


def _healthz() -> Response:
    """Whether this process answers and its database with it; nothing of the others."""
    with database().reading() as session:
        session.execute(select(1))
    return Response("well\n", mimetype="text/plain")


def _health() -> Response:
    with database().reading() as session:
        told = health.of(session, now())
    response = jsonify(told)
    response.status_code = 200 if told["ready"] else 503
    return response


__all__ = [
    "Forbidden",
    "database",
    "new_app",
    "now",
    "open_doors",
    "problem",
    "reading",
    "settings",
    "transacted",
]
