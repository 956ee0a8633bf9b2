"""What every page of the house shares: its shell, its forms, its refusals, and the headers that guard it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask, Response, current_app, flash, g, make_response, render_template, request
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader
from marshmallow import Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict

from services.chassis import auth, figures, i18n, static_files
from services.chassis.catalogues import N_
from services.chassis.errors import Misshapen, Refused
from services.chassis.i18n import gettext
from services.chassis.sessions import Sessions
from services.chassis.typography import typo, typo_page

V = TypeVar("V", bound=Callable[..., Any])

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OPEN = "palabre_open_to_robots"


def install(app: Flask, service: Any, settings: auth.Keys) -> None:
    """Give the app the face of the house. `i18n.install` comes first, and error handlers are the caller's."""
    name: str = getattr(service, "name", service)
    app.extensions.setdefault("settings", settings)
    loaders = [loader for loader in (app.jinja_loader, FileSystemLoader(TEMPLATES)) if loader]
    app.jinja_loader = ChoiceLoader(loaders)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    static_files.install(app, name)

    is_https = settings.public_url.startswith("https:")
    # One session cookie a service: each may keep a secret of its own and none throws out another's.
    app.config.update(
        SESSION_COOKIE_NAME=f"palabre_{name}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.session_interface = Sessions()
    guard = CSRFProtect(app)

    @app.before_request
    def refuse_forgeries() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if not request.path.startswith("/api/") and not getattr(view, _OPEN, False):
            guard.protect()

    app.jinja_env.globals.update(
        languages=i18n.LANGUAGES,
        address_in=_address_in,
        new_key=lambda: uuid4().hex,
        say=say,
        actor=auth.actor,
        service=name,
        foliage=figures.foliage,
        people_a_leaf=figures.people_a_leaf,
        ring=figures.ring,
        minutes=figures.minutes,
        outline=figures.outline,
        shape_of=figures.shape_of,
    )
    app.jinja_env.filters["typo"] = lambda text: typo(str(text)) if i18n.language() == "fr" else str(text)
    app.jinja_env.globals["p"] = app.jinja_env.get_template("chassis/parts.html").module
    app.after_request(_dress)


def render(template: str, /, **context: object) -> str:
    return render_template(template, **context)


def paper(pdf: bytes, name: str) -> Response:
    """A PDF that opens in the browser, to look at before it is printed; `name` is what it is saved as."""
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(pdf, mimetype="application/pdf", headers=headers)


def tell(message: str, *, undo: str | None = None) -> None:
    """Say `message` on top of the next page; `undo` is the address that takes the deed back with a POST."""
    flash({"text": message, "undo": undo})  # type: ignore[arg-type]


def open_to_robots(view: V) -> V:
    """A view whose POST comes from outside our pages (RFC 8058), so without a form's token."""
    setattr(view, _OPEN, True)
    return view


@cache
def _made(shape: type[Schema]) -> Schema:
    """Schemas keep nothing of what they read, and to make one takes longer than to read a form."""
    return shape()


class Form:
    """What stands in a form, and what is wrong with it.

    `given` is what was typed (`request.form`) or what is known already (a mapping); `errors` maps a field to its
    sentences, in the language of the request, and "" to those about the whole.
    """

    def __init__(
        self, given: Mapping[str, Any] | None = None, *, errors: dict[str, list[str]] | None = None
    ) -> None:
        self.given = given or {}
        self.errors = errors or {}

    def read(self, shape: type[Schema] | Schema) -> dict[str, Any]:
        """The answers, loaded through `shape`. Raises ValidationError.

        Spaces around an answer go, a blank answer counts as none, and what the shape does not name is left out.
        """
        schema = _made(shape) if isinstance(shape, type) else shape
        answers: dict[str, Any] = {}
        for name, field in schema.load_fields.items():
            key = field.data_key or name
            given = [value.strip() if isinstance(value, str) else value for value in self.all(key)]
            given = [value for value in given if value != ""]
            if given:
                answers[key] = given if isinstance(field, fields.List) else given[0]
        loaded: dict[str, Any] = schema.load(answers)
        return loaded

    def refuse(self, error: ValidationError | Refused) -> Form:
        """This form, saying beside the right field what `error` says."""
        for name, said in form_errors(error).items():
            self.errors.setdefault(name, []).extend(said)
        return self

    def value(self, name: str, default: object = "") -> Any:
        value = self.given.get(name, default)
        return default if value is None else value

    def all(self, name: str) -> list[Any]:
        if isinstance(self.given, MultiDict):
            return self.given.getlist(name)
        value = self.given.get(name)
        if value is None:
            return []
        return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]

    def has(self, name: str, value: object) -> bool:
        return str(value) in {str(one) for one in self.all(name)}

    def wrong(self, name: str) -> str:
        """What is wrong with the field, in one line; empty when nothing is."""
        return " ".join(self.errors.get(name, ()))


def form_errors(error: ValidationError | Refused) -> dict[str, list[str]]:
    """By field, what the error says in the language of the request; "" holds what concerns the whole."""
    if isinstance(error, ValidationError):
        return i18n.sentences(error.messages)
    if isinstance(error, Misshapen):
        return i18n.sentences(error.errors)
    return {error.field or "": [sentence(error)]}


_REFUSALS: dict[int, tuple[str, str]] = {
    400: (N_("We could not read what arrived"), N_("Go back, reload the page and send it again.")),
    401: (
        N_("You need to come in first"),
        N_("We send you a link by e-mail: there is no password to remember."),
    ),
    403: (N_("This page is not open to you"), N_("Ask someone who owns the gathering to give you a role.")),
    404: (
        N_("There is nothing at this address"),
        N_("If you followed a link from a letter, copy it whole. Otherwise, start again from the first page."),
    ),
    405: (N_("This address does nothing by itself"), N_("Go back and use the button of the page.")),
    409: (N_("This cannot be done now"), N_("Go back: nothing has been changed.")),
    410: (N_("This is over"), N_("Nothing has been changed.")),
    413: (N_("This is too large for us"), N_("Send a smaller file or a shorter text.")),
    422: (N_("Some answers need another look"), N_("Go back: what you wrote is still there.")),
    429: (N_("Too many tries in a short time"), N_("Go back: what you wrote is still there.")),
    503: (N_("We are busy for a moment"), N_("Try again in a minute: nothing has been lost.")),
}
_MISSHAPEN = N_("Some answers need another look.")
_OURS = (
    N_("Something broke on our side"),
    N_("Nothing was half done. Try again in a minute; if it happens again, tell the team that invited you."),
)


def say(sentence: str, /, **members: object) -> str:
    """A sentence of the house in the language of the request; templates say with it what they hold in a variable."""
    return gettext(sentence, **members)


def sentence(refusal: Refused) -> str:
    """What the refusal says, in the language of the request."""
    return gettext(refusal.message, **refusal.members)


def refused(refusal: Refused, status: int | None = None) -> Response:
    """The page that tells a refusal."""
    said = [text for texts in form_errors(refusal).values() for text in texts]
    return _error_page(status or int(refusal.status), said)


def http_error(status: int) -> Response:
    """The page for an answer of the web itself (no such page, too large) and, from 500 on, for our own faults."""
    return _error_page(status, [])


def _error_page(status: int, said: Iterable[str]) -> Response:
    title, way_out = _REFUSALS.get(status, _OURS if status >= 500 else _REFUSALS[400])
    body = render(
        "chassis/error.html",
        status=status,
        title=gettext(title),
        said=list(said),
        way_out=gettext(way_out),
        trace=g.get("trace", ""),
        sign_in="/entrer?" + urlencode({"suite": request.path}) if status == HTTPStatus.UNAUTHORIZED else "",
    )
    return make_response(body, status)


def _address_in(language: str) -> str:
    """This page in another language; the first page when this one only answers a form."""
    path, kept = request.path, request.args.to_dict(flat=False)
    if request.method not in ("GET", "HEAD") and "GET" not in current_app.url_map.bind("").allowed_methods(
        path
    ):
        path, kept = "/", {}
    return f"{path}?{urlencode({**kept, 'lang': language}, doseq=True)}"


def _dress(response: Response) -> Response:
    """Headers for all answers; French typography for French pages."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
    if "Cache-Control" not in headers:
        # Pages carry a form's token and often a person: no cache may keep them.
        response.cache_control.no_store = True
    if response.mimetype == "text/html" and not response.is_streamed:
        language = i18n.language()
        headers.setdefault("Content-Language", language)
        response.vary.update(("Cookie", "Accept-Language"))
        if not g.get("is_typeset"):
            response.set_data(typeset(response.get_data(as_text=True)))
    return response


def typeset(page: str) -> str:
    """A page as it leaves in the language of the request."""
    return typo_page(page) if i18n.language() == "fr" else page
