"""What notifications promises to tell the others."""

from __future__ import annotations

from marshmallow import fields

from services.chassis.outbox import Event


class PersonDisclosed(Event):
    """Everything notifications holds about somebody: what it is, and rows of fields. It is struck out once heard."""

    type = "notifications.person_disclosed.v1"
    subject = "participant_id"
    transient = True
    secrets = ("holdings",)

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    holdings = fields.List(fields.Dict(), required=True)
    told_at = fields.AwareDateTime(required=True)


class PersonErased(Event):
    """Notifications has forgotten who somebody is; `gone` counts what went, by its name."""

    type = "notifications.person_erased.v1"
    subject = "participant_id"
    transient = True

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    gone = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    erased_at = fields.AwareDateTime(required=True)


EVENTS: tuple[type[Event], ...] = (PersonDisclosed, PersonErased)
