"""People as they come in and are shown."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from services.chassis.catalogues import N_
from services.chassis.shapes import PageQuery
from services.registration import addresses, names
from services.registration.schemas.questions import Answer, KeptAnswerView
from services.registration.schemas.shapes import LANGUAGES, Address, Shape, Text, each_line

MOST_TOGETHER = 30


class Details(Shape):
    """What a participant says of themselves."""

    given = Text(required=True, error_messages={"required": "Write your first name, as on your badge."})
    family = Text(load_default="")
    territory = fields.String(load_default="", validate=validate.Length(max=8))
    trade = Text(load_default="")
    structure = Text(load_default="", longest=160)
    language = fields.String(load_default="fr", validate=validate.OneOf(LANGUAGES))


class NewRegistration(Details):
    """Someone asks for a seat. `invitation` is the token of their invitation's link, `answers` are by question."""

    email = Address(required=True, error_messages={"required": "Write your e-mail address."})
    invitation = fields.String(load_default="", validate=validate.Length(max=64))
    answers = fields.Dict(keys=fields.String(), values=Answer(), load_default=dict)


class NewWalkIn(Details):
    """Someone came unannounced."""

    email = Address(load_default="")
    language = fields.String(load_default="", validate=validate.OneOf(("", *LANGUAGES)))


class PartyMember(Shape):
    """One of several people who ask together."""

    given = Text(required=True, error_messages={"required": "Write their first name."})
    family = Text(load_default="")
    email = Address(required=True, error_messages={"required": "Write their e-mail address."})


class _TogetherFrom(Shape):
    territory = fields.String(load_default="", validate=validate.Length(max=8))
    trade = Text(load_default="")
    structure = Text(load_default="", longest=160)


class NewParty(_TogetherFrom):
    """Several people of one structure ask for seats, in their order."""

    people = fields.List(
        fields.Nested(PartyMember),
        required=True,
        validate=validate.Length(1, MOST_TOGETHER, error="Name from one to thirty people."),
    )
    language = fields.String(load_default="fr", validate=validate.OneOf(LANGUAGES))


class PartyForm(_TogetherFrom):
    """The same from a page: one person a line, their address behind a `;`, a `,` or a tab."""

    people = Text(
        required=True, longest=8000, lines=True, error_messages={"required": "Write one person on each line."}
    )

    @post_load
    def apart(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        lines = each_line(data["people"])
        if len(lines) > MOST_TOGETHER:
            raise ValidationError({"people": [N_("Name from one to thirty people.")]})
        people = [self._person(line) for line in lines]
        if wrong := {
            number: [N_("This line cannot be read.")] for number, one in enumerate(people, 1) if not one
        }:
            raise ValidationError({"people": wrong})
        return {**data, "people": people}

    @staticmethod
    def _person(line: str) -> dict[str, str]:
        """Who a line names; empty when it cannot be read."""
        found = re.fullmatch(r"(.*?)[\s;,<]+([^\s;,<>]+@[^\s;,<>]+)>?", line)
        try:
            name, email = (found[1], addresses.read(found[2])) if found else ("", "")
        except addresses.NotAnAddress:
            return {}
        given, _, family = " ".join(re.split(r"[\s;,]+", name)).strip().partition(" ")
        if not given:
            return {}
        return {"given": given[: names.LONGEST], "family": family[: names.LONGEST], "email": email}


class AskedView(Schema):
    """What became of one person of a party."""

    name = fields.String()
    answer = fields.Nested(lambda: AnswerView())


class PartyView(Schema):
    """What became of each person of a party, in their order."""

    people = fields.List(fields.Nested(AskedView))


class Heir(Details):
    """Who takes over a seat."""

    email = Address(required=True, error_messages={"required": "Write their e-mail address."})


class AnotherDay(Shape):
    """When a gathering like this one shall be, and what it is called if it has another name."""

    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    title = Text(load_default=None, allow_none=True, longest=160)


class AnswerView(Schema):
    """What someone who asked for a seat is told: `held` until `held_until`, or `waiting` at `rank` for
    `reason`.
    """

    participant_id = fields.UUID()
    outcome = fields.String()
    held_until = fields.AwareDateTime(allow_none=True)
    rank = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)


class ParticipantView(Schema):
    """A participant for the organisers' programs."""

    id = fields.UUID(data_key="participant_id")
    gathering_id = fields.UUID()
    state = fields.String()
    given = fields.String()
    family = fields.String()
    email = fields.String()
    territory = fields.String()
    trade = fields.String()
    structure = fields.String()
    language = fields.String()
    walk_in = fields.Boolean()
    asked_at = fields.AwareDateTime()
    registered_at = fields.AwareDateTime(allow_none=True)
    checked_in_at = fields.AwareDateTime(allow_none=True)
    merged_into = fields.UUID(allow_none=True)
    answers = fields.Dict(keys=fields.String(), values=fields.Nested(KeptAnswerView))


class Joining(Shape):
    """Which row goes, and is joined to the other."""

    goes = fields.UUID(required=True)


class ListingQuery(PageQuery):
    """Which people to list."""

    q = fields.String(load_default="")
    territory = fields.String(load_default="")
    state = fields.String(load_default="")


class WaiterView(Schema):
    """One line of the waiting list."""

    participant_id = fields.UUID(attribute="participant.id")
    given = fields.String(attribute="participant.given")
    family = fields.String(attribute="participant.family")
    territory = fields.String(attribute="participant.territory")
    rank = fields.Integer()
    reason = fields.String()


class AbsencesView(Schema):
    """How many people were noted as absent."""

    absent = fields.Integer()
