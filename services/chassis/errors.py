"""Refusals: what a caller may be told. Anything else that is raised is our own fault, and a 500."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar


class Refused(Exception):
    """A rule of the house said no.

    A subclass fixes `code` (stable, kebab-case, read by programs) and `status` (HTTP). The message is a whole
    sentence for people, in English, and is translated at the rim; `%(name)s` in it is filled from the members.
    `field` names the input it speaks of, if any; the other keywords travel to programs as members of the
    problem document (RFC 9457).
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT

    def __init__(self, message: str, *, field: str | None = None, **members: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.members = members


class NotFound(Refused):
    code, status = "not-found", HTTPStatus.NOT_FOUND


class SignInNeeded(Refused):
    code, status = "sign-in-needed", HTTPStatus.UNAUTHORIZED


class Forbidden(Refused):
    code, status = "forbidden", HTTPStatus.FORBIDDEN


class Misshapen(Refused):
    """Some fields are not as they should be; `errors` maps a field to its sentences."""

    code, status = "misshapen", HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, errors: dict[str, list[str]], message: str = "Some answers need another look.") -> None:
        super().__init__(message)
        self.errors = errors
