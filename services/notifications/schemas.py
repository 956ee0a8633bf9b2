"""The shapes at the doors of notifications: what it reads of each fact, and what its API answers."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.chassis.inbox import Heard
from services.chassis.shapes import PageQuery, Shape, page_of
from services.notifications.hours import DAYS
from services.notifications.models import STATES


class Territory(Heard):
    letter = fields.String(required=True)
    name = fields.String(required=True)


class GatheringDescribed(Heard):
    gathering_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    purpose = fields.String(load_default="", allow_none=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    zone = fields.String(required=True)
    place = fields.String(load_default="", allow_none=True)
    language = fields.String(load_default="fr")
    writing = fields.String(load_default="epicene")
    organiser_name = fields.String(load_default="", allow_none=True)
    reply_to = fields.String(load_default="", allow_none=True)
    territories = fields.List(fields.Nested(Territory), load_default=list)
    state = fields.String(required=True)
    public_url = fields.String(load_default="")
    kept_until = fields.AwareDateTime(load_default=None, allow_none=True)


class DisclosureAsked(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)


class ParticipantErased(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    reason = fields.String(load_default="")


class ColleagueInvited(Heard):
    gathering_id = fields.UUID(required=True)
    sign_in_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(load_default="", allow_none=True)
    role = fields.String(required=True)
    invited_by = fields.String(load_default="", allow_none=True)
    link = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    language = fields.String(load_default="fr")


class Withdrawn(Heard):
    gathering_id = fields.UUID(required=True)
    reason = fields.String(load_default="")


class StoryWithdrawn(Withdrawn):
    story_id = fields.UUID(required=True)


class TopicWithdrawn(Withdrawn):
    topic_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    question = fields.String(required=True)


class PlanKept(Heard):
    topic_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    plan = fields.String(required=True)


class SignInAsked(Heard):
    sign_in_id = fields.UUID(required=True)
    email = fields.String(required=True)
    link = fields.String(required=True)
    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    language = fields.String(load_default="fr")


class PasskeyAdded(Heard):
    passkey_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(load_default="")
    passkey = fields.String(required=True)
    link = fields.String(required=True)
    language = fields.String(load_default="fr")


class IdentityBound(Heard):
    identity_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(load_default="")
    provider = fields.String(required=True)
    account = fields.String(load_default="")
    link = fields.String(required=True)
    language = fields.String(load_default="fr")


class Named(Heard):
    """What every fact about a person says; a person without an address gets no letter."""

    gathering_id = fields.UUID(required=True)
    email = fields.String(load_default="", allow_none=True)
    given = fields.String(load_default="", allow_none=True)
    family = fields.String(load_default="", allow_none=True)
    link = fields.String(load_default="", allow_none=True)
    language = fields.String(load_default="fr")


class PersonInvited(Named):
    invitation_id = fields.UUID(required=True)


class Participant(Named):
    participant_id = fields.UUID(required=True)


class AddressToConfirm(Participant):
    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    handed_by = fields.String(load_default="", allow_none=True)


class Registered(Participant):
    registered_at = fields.AwareDateTime(required=True)


class Waitlisted(Participant):
    rank = fields.Integer(required=True)
    reason = fields.String(required=True)
    territory = fields.String(load_default="", allow_none=True)


class SeatOffered(Participant):
    expires_at = fields.AwareDateTime(required=True)


class Changed(Participant):
    before = fields.Dict(keys=fields.String(), load_default=dict)
    after = fields.Dict(keys=fields.String(), load_default=dict)


class Cancelled(Participant):
    held_seat = fields.Boolean(load_default=True)
    is_silent = fields.Boolean(load_default=False)
    handed_to = fields.String(load_default="", allow_none=True)
    cancelled_at = fields.AwareDateTime(required=True)


class PersonPlaced(Heard):
    placement_id = fields.UUID(load_default=None)
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    round_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    round_name = fields.String(load_default="", allow_none=True)
    group_number = fields.Integer(required=True)
    group_name = fields.String(load_default="", allow_none=True)
    question = fields.String(load_default="", allow_none=True)
    role = fields.String(load_default="member", allow_none=True)
    duty = fields.String(load_default="", allow_none=True)
    companions = fields.Integer(load_default=0)
    reasons = fields.List(fields.Raw(), load_default=list)
    version = fields.Integer(required=True)
    moved = fields.Boolean(required=True)
    before_number = fields.Integer(load_default=None, allow_none=True)


class QuestionnaireAddressed(Participant):
    invite_id = fields.UUID(required=True)
    closes_at = fields.AwareDateTime(load_default=None, allow_none=True)


class AccountPublished(Heard):
    gathering_id = fields.UUID(required=True)
    link = fields.String(required=True)
    published_at = fields.AwareDateTime(required=True)


class LetterQuery(PageQuery):
    kind = fields.String(load_default=None)
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class SendDrafts(Shape):
    """`count` repeats how many drafts were shown, `upto` when: a letter written since is not sent unseen."""

    kind = fields.String(required=True)
    count = fields.Integer(required=True, validate=validate.Range(min=1))
    upto = fields.AwareDateTime(required=True)


class EditDraft(Shape):
    subject = fields.String(required=True, validate=validate.Length(1, 250))
    text = fields.String(required=True, validate=validate.Length(1, 20_000))


class ReminderChange(Shape):
    """`days` counts from the day of the gathering, negative before it; `at` is an hour of its zone."""

    days = fields.Integer(required=True, validate=validate.Range(*DAYS))
    at = fields.Time(required=True, format="%H:%M", metadata={"format": "time"})
    is_on = fields.Boolean(load_default=False)


class ReminderForm(Schema):
    """The same as a person fills it in."""

    count = fields.Integer(required=True, validate=validate.Range(0, max(-DAYS[0], DAYS[1])))
    side = fields.String(required=True, validate=validate.OneOf(("before", "after")))
    at = fields.Time(required=True, format="%H:%M", metadata={"format": "time"})
    is_on = fields.Boolean(load_default=False)


class Night(Shape):
    """From when to when nobody is written to who did not ask for it; the same hour twice is no night."""

    night_from = fields.Time(required=True, format="%H:%M", metadata={"format": "time"})
    night_to = fields.Time(required=True, format="%H:%M", metadata={"format": "time"})


class ReminderView(Schema):
    id = fields.UUID()
    kind = fields.String()
    days = fields.Integer()
    at = fields.String()
    is_on = fields.Boolean()
    due_at = fields.AwareDateTime()
    done_at = fields.AwareDateTime(allow_none=True)


class ScheduleView(Schema):
    night_from = fields.String()
    night_to = fields.String()
    lines = fields.List(fields.Nested(ReminderView))


class Settlement(Shape):
    arrived = fields.Boolean(required=True)


class DigestSwitch(Schema):
    is_on = fields.Boolean(required=True)


class NewWords(Shape):
    """An organiser's words for a kind of letter; placeholders stand in braces."""

    subject = fields.String(required=True, validate=validate.Length(1, 200))
    text = fields.String(required=True, validate=validate.Length(1, 8000))


class PlaceholderView(Schema):
    name = fields.String()
    says = fields.String()


class WordsView(Schema):
    kind = fields.String()
    language = fields.String()
    subject = fields.String()
    text = fields.String()
    is_house = fields.Boolean()
    placeholders = fields.List(fields.Nested(PlaceholderView))


class WordingsView(Schema):
    wordings = fields.List(fields.Nested(WordsView))


class DeliveryView(Schema):
    at = fields.AwareDateTime()
    outcome = fields.String()
    server = fields.String()
    reply = fields.String()


class LetterView(Schema):
    id = fields.UUID()
    kind = fields.String()
    state = fields.String()
    participant_id = fields.UUID(allow_none=True)
    email = fields.String()
    name = fields.String()
    subject = fields.String()
    is_solicitation = fields.Boolean()
    message_id = fields.String()
    attempts = fields.Integer()
    reply = fields.String(allow_none=True)
    next_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    sent_at = fields.AwareDateTime(allow_none=True)


class WholeLetterView(LetterView):
    """Of a private letter, the words say that it is private."""

    text = fields.String()
    html = fields.String()
    ics = fields.String(allow_none=True)
    deliveries = fields.List(fields.Nested(DeliveryView))


LettersPage = page_of(
    LetterView,
    counts=fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Integer()),
        required=True,
        metadata={"description": "How many letters of each kind are in each state."},
    ),
)


class SuppressionQuery(PageQuery):
    held = fields.Boolean(
        load_default=None,
        metadata={"description": "Only those on the list now (true), or taken off it (false)."},
    )


class SuppressionView(Schema):
    id = fields.UUID()
    email = fields.String()
    said = fields.String(metadata={"description": "The server's own words."})
    since = fields.AwareDateTime()
    letter_id = fields.UUID(
        allow_none=True, metadata={"description": "The letter of this gathering that came back."}
    )
    released_at = fields.AwareDateTime(allow_none=True)
    released_why = fields.String(allow_none=True)


SuppressionsPage = page_of(SuppressionView)


class Release(Shape):
    why = fields.String(required=True, validate=validate.Length(1, 500))


class ReturnedLetter(Shape):
    """One letter of which a provider tells."""

    message_id = fields.String(
        required=True,
        validate=validate.Length(3, 998),
        metadata={"description": "The letter's Message-ID, with or without its angle brackets."},
    )
    kind = fields.String(
        required=True,
        validate=validate.OneOf(("bounced", "delayed")),
        metadata={"description": "bounced: it will not arrive; delayed: it may yet."},
    )
    status = fields.String(
        load_default="",
        validate=validate.Regexp(r"^(?:[45]\.\d{1,3}\.\d{1,3})?\Z"),
        metadata={"description": "The enhanced status code (RFC 3463), as 5.1.1; empty when it is not known."},
    )
    said = fields.String(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "The other server's own words."},
    )


class Returns(Shape):
    items = fields.List(fields.Nested(ReturnedLetter), required=True, validate=validate.Length(1, 500))


class ReturnsView(Schema):
    noted = fields.Integer(
        required=True, metadata={"description": "How many letters this was news of; others are passed over."}
    )


class SentView(Schema):
    sent = fields.Integer()
