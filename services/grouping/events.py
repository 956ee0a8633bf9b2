"""What grouping promises to tell the others."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.chassis import confirmations
from services.chassis.outbox import Event
from services.grouping.roles import ROLES

KINDS = ("angles", "topics")


class PlanAsked(Event):
    """An organiser asked for groups; grouping itself hears it and works them out in the background."""

    type = "grouping.plan_asked.v1"
    subject = "round_id"
    transient = True

    round_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    ask_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("form", "rebalance")))
    options = fields.Dict(keys=fields.String(), load_default=dict, dump_default=dict)


class PublishedGroup(Schema):
    group_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    name = fields.String(required=True)
    question = fields.String(required=True, allow_none=True)
    size = fields.Integer(required=True)
    territories = fields.List(fields.String(), required=True)
    trades = fields.List(fields.String(), required=True)


class PlanPublished(Event):
    """These groups are in force; `version` rises by one with each publication of the round."""

    type = "grouping.plan_published.v1"
    subject = "round_id"

    round_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    people = fields.Integer(required=True)
    groups = fields.List(fields.Nested(PublishedGroup), required=True)


class PersonPlaced(Event):
    """One person has a group in a round, for the first time or another one than they were told before.

    `reasons` are codes, some with a value after a colon, and come from public facts only: carrier, teller, wish:1 to
    wish:3, alone_of_structure, territories:n, trades:n, new_people:n; first of all, after a re-balance, new_seat,
    table_too_small:n, table_too_large:n, brings_territory:letter, brings_trade:name or evened_mix.

    `duty` is what they are asked to do for their group, or empty. Where only that is another, `moved` is false and
    `before_number` is their group; such a fact has the version of the one before it.
    """

    type = "grouping.person_placed.v1"
    subject = "placement_id"

    placement_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    round_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    round_name = fields.String(required=True)
    group_number = fields.Integer(required=True)
    group_name = fields.String(required=True)
    question = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(("carrier", "teller", "member")))
    duty = fields.String(load_default="", dump_default="", validate=validate.OneOf(("", *ROLES)))
    companions = fields.Integer(required=True)
    reasons = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)
    moved = fields.Boolean(required=True)
    before_number = fields.Integer(required=True, allow_none=True)


class SynthesisWritten(Event):
    """A circle's modalities of action as they stand now; writing again tells it again."""

    type = "grouping.synthesis_written.v1"
    subject = "group_id"

    group_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    angle = fields.String(required=True)
    modalities = fields.List(fields.String(), required=True)
    written_at = fields.AwareDateTime(required=True)


class PersonDisclosed(confirmations.PersonDisclosed):
    """Everything grouping holds about somebody: what it is, and rows of fields. It is struck out once heard."""

    type = "grouping.person_disclosed.v1"


class PersonErased(confirmations.PersonErased):
    """Grouping has forgotten who somebody is; `gone` counts what went, by its name."""

    type = "grouping.person_erased.v1"


EVENTS: tuple[type[Event], ...] = (
    PlanAsked,
    PlanPublished,
    PersonPlaced,
    SynthesisWritten,
    PersonDisclosed,
    PersonErased,
)
