"""The OpenAPI document of a service: written from what stands beside its doors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask_smorest import Api
from marshmallow import Schema, fields

from services.chassis import auth

JSON, PROBLEM = "application/json", "application/problem+json"
READS = ("GET", "HEAD")
# Who may knock: somebody who organises (the usual), somebody who takes part, who shows the operator's key, anybody.
GUARD, ANYBODY, PARTICIPANTS, KEYS = "guard", "anybody", "participants", "keys"


_HEADERS = (
    (
        "IDEMPOTENCY_KEY",
        "Idempotency-Key",
        "A word of your own for this request. Sent again within two days with the same content it is not carried out "
        "again and gets the same answer; with other content it is refused (422, `key-used-otherwise`).",
    ),
    (
        "UNLESS_SAME",
        "If-None-Match",
        "The ETag that you hold: the answer is 304, empty, while it is the newest.",
    ),
    ("IF_SAME", "If-Match", "The ETag that you read: the answer is 412 when somebody changed it since."),
)


class Problem(Schema):
    """A refusal (RFC 9457). `code` never changes and is for programs, `detail` is for people, in their language."""

    class Meta:
        unknown = "include"

    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "By field, what is wrong with it; of the whole, under an empty name."},
    )


class Reference(Api):  # type: ignore[misc]
    """The OpenAPI document of a service: refusals are problem documents, and who may enter stands beside each door."""

    ERROR_SCHEMA = Problem
    # Each door names what it may answer.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None:
        content = {PROBLEM: {"schema": Problem}}
        for status in HTTPStatus:
            told: dict[str, Any] = {"description": status.phrase}
            if status >= HTTPStatus.BAD_REQUEST:
                told["content"] = content
            if status == HTTPStatus.UNAUTHORIZED:
                told["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                told["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
            self.spec.components.response(status.name, told, lazy=True)
        told = {"description": "Our own fault, or a moment in which we are busy", "content": content}
        self.spec.components.response("OURS", told, lazy=True)

    def describe(self, *, home: str, name: str) -> None:
        """Say what the whole document says once: where it is, how one comes in, and the headers that doors read."""
        components = self.spec.components
        components.security_scheme(
            "token",
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "From POST /api/registration/tokens. It writes and reads.",
            },
        )
        for scheme, how in (("bearer", "as a token"), ("basic", "as the password, with any name")):
            said = f"A key that the operator sets, shown {how}."
            components.security_scheme(f"key_{scheme}", {"type": "http", "scheme": scheme, "description": said})
        for scheme, cookie, whose in (
            ("organiser", auth.ORGANISER_COOKIE, "an organiser who is signed in on the pages"),
            ("participant", auth.PARTICIPANT_COOKIE, "somebody who opened their personal link"),
        ):
            said = f"The cookie of {whose}. It reads and never writes."
            components.security_scheme(
                scheme, {"type": "apiKey", "in": "cookie", "name": cookie, "description": said}
            )
        for key, header, said in _HEADERS:
            components.parameter(
                key, "header", {"name": header, "schema": {"type": "string"}, "description": said}
            )
        components.header(
            "TAG",
            {"schema": {"type": "string"}, "description": "Names this state; for If-None-Match and If-Match."},
        )
        self.spec.options["servers"] = [{"url": home or "/"}]
        self.spec.options["info"] = {
            "description": f"What programs can do with {name}. Lists come in pages (`after`, `limit`, `next`). "
            "Refusals are application/problem+json (RFC 9457). A write that carries an `Idempotency-Key` is carried "
            "out once. GET answers carry an `ETag`.",
            "license": {"name": "MIT", "identifier": "MIT"},
        }


def tell(doc: dict[str, Any], told: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    """`doc` with all that a door's document says beside its shapes; `told` is what stands beside the door."""
    responses = {str(status): said for status, said in doc.get("responses", {}).items()}
    kinds = {kind for one in responses.values() if isinstance(one, dict) for kind in one.get("content", ())}
    doc["responses"] = responses
    doc["security"] = _security(told, method)
    for status in _refusals(told, speaks=bool(kinds), reads="requestBody" in doc):
        responses[str(int(status))] = status.name
    responses["5XX"] = "OURS"
    headers = ["IDEMPOTENCY_KEY"] if told.get("writes") else []
    is_read = method.upper() in READS and JSON in kinds
    if is_read:
        headers.append("UNLESS_SAME")
        responses["304"] = "NOT_MODIFIED"
    if told.get("tagged"):
        headers.append("IF_SAME")
    if (is_read or told.get("tagged")) and "200" in responses:
        responses["200"].setdefault("headers", {})["ETag"] = "TAG"
    doc.setdefault("parameters", []).extend(headers)
    return doc


def _security(told: dict[str, Any], method: str) -> list[dict[str, list[str]]]:
    match told.get(GUARD):
        case "participants":
            return [{"participant": []}]
        case "anybody":
            return []
        case "keys":
            return [{"key_bearer": []}, {"key_basic": []}]
    return [{"token": []}, {"organiser": []}] if method.upper() in READS else [{"token": []}]


def _refusals(told: dict[str, Any], *, speaks: bool, reads: bool) -> list[HTTPStatus]:
    found = [HTTPStatus.NOT_FOUND]
    if speaks:
        found.append(HTTPStatus.NOT_ACCEPTABLE)
    if told.get(GUARD) != ANYBODY:
        found += [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN]
    if told.get("writes"):
        found += [HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY]
    if reads:
        found += [
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ]
    if told.get("tagged"):
        found.append(HTTPStatus.PRECONDITION_FAILED)
    if told.get("counted"):
        found.append(HTTPStatus.TOO_MANY_REQUESTS)
    return found
