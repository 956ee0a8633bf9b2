"""What every service answers registration when somebody asks for their data, or to be forgotten."""

from __future__ import annotations

from marshmallow import fields

from services.chassis.outbox import Event


class PersonDisclosed(Event):
    """Everything one service holds about somebody: what it is, and rows of fields. It is struck out once heard."""

    subject = "participant_id"
    transient = True
    secrets = ("holdings",)

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    holdings = fields.List(fields.Dict(), required=True)
    told_at = fields.AwareDateTime(required=True)


class PersonErased(Event):
    """One service has forgotten who somebody is; `gone` counts what went, by its name."""

    subject = "participant_id"
    transient = True

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    gone = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    erased_at = fields.AwareDateTime(required=True)
