"""How one comes in, and who is on the team."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from services.registration.schemas.shapes import Address, Shape, Text

ROLES = ("organiser", "desk", "facilitator", "reader")


class Code(Shape):
    """Six digits typed from a letter; spaces between them are forgiven."""

    email = Address(load_default="")
    code = fields.String(required=True, validate=validate.Length(1, 20))

    @post_load
    def digits(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "code": "".join(sign for sign in data["code"] if sign.isdigit())}


class SignInRequest(Shape):
    """An organiser asks for a way in."""

    email = Address(required=True, error_messages={"required": "Write your e-mail address."})


class PasskeyAnswer(Shape):
    """What a browser answered for a passkey, in JSON."""

    credential = fields.String(
        required=True,
        validate=validate.Length(1, 20_000),
        error_messages={"required": "Your browser sent no passkey. Try again, or come in by e-mail."},
    )


class NewPasskey(PasskeyAnswer):
    """A passkey that a browser made, and what its owner calls it."""

    name = Text(load_default="", longest=60)


class NewOrganiser(Shape):
    """Somebody who shall help, and as what."""

    email = Address(required=True, error_messages={"required": "Write an e-mail address."})
    name = Text(load_default="")
    role = fields.String(load_default="organiser", validate=validate.OneOf(ROLES))


class MemberView(Schema):
    """Somebody of a gathering's team."""

    role_id = fields.UUID()
    role = fields.String()
    name = fields.String()
    email = fields.String()


class TokenExchange(Shape):
    """The token at the end of a sign-in link."""

    token = fields.String(required=True)


class TokenView(Schema):
    """What a program sends as `Authorization: Bearer …`, and for how long it holds."""

    token = fields.String()
    expires_in = fields.Integer()
