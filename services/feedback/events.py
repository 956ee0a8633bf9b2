"""What feedback promises to tell the others."""

from __future__ import annotations

from marshmallow import fields

from services.chassis import confirmations
from services.chassis.outbox import Event


class QuestionnaireAddressed(Event):
    """One person who was there may answer through `link` until `closes_at`."""

    type = "feedback.questionnaire_addressed.v1"
    subject = "invite_id"
    transient = True

    invite_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    email = fields.Email(required=True)
    given = fields.String(required=True)
    family = fields.String(required=True)
    language = fields.String(required=True)
    link = fields.String(required=True)
    closes_at = fields.AwareDateTime(required=True)


class AccountPublished(Event):
    """The account of the day can be read by everybody at `link`; told once, not at each later correction."""

    type = "feedback.account_published.v1"
    subject = "gathering_id"
    transient = True

    gathering_id = fields.UUID(required=True)
    title = fields.String(required=True)
    link = fields.String(required=True)
    published_at = fields.AwareDateTime(required=True)


class PersonDisclosed(confirmations.PersonDisclosed):
    """Everything feedback holds about somebody: what it is, and rows of fields. It is struck out once heard."""

    type = "feedback.person_disclosed.v1"


class PersonErased(confirmations.PersonErased):
    """Feedback has forgotten who somebody is; `gone` counts what went, by its name."""

    type = "feedback.person_erased.v1"


EVENTS = (QuestionnaireAddressed, AccountPublished, PersonDisclosed, PersonErased)
