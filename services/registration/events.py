"""What registration promises to tell the others."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import Schema, fields

from services.chassis.outbox import Event


class Territory(Schema):
    """One territory of a gathering; a quota of null sets no limit."""

    letter = fields.String(required=True)
    name = fields.String(required=True)
    quota = fields.Integer(required=True, allow_none=True)


class Angle(Schema):
    """One listening angle of a gathering."""

    number = fields.Integer(required=True)
    name = fields.String(required=True)


class GatheringDescribed(Event):
    """What a gathering is now; told when it is made and at each change.

    At `kept_until` everybody is forgotten who was not before; null when no time is set.
    """

    type = "registration.gathering_described.v1"
    subject = "gathering_id"

    gathering_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    purpose = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    zone = fields.String(required=True)
    place = fields.String(required=True)
    language = fields.String(required=True)
    writing = fields.String(required=True)
    seats = fields.Integer(required=True)
    organiser_name = fields.String(required=True)
    reply_to = fields.String(required=True)
    territories = fields.List(fields.Nested(Territory), required=True)
    trades = fields.List(fields.String(), required=True)
    angles = fields.List(fields.Nested(Angle), required=True)
    state = fields.String(required=True)
    public_url = fields.String(required=True)
    kept_until = fields.AwareDateTime(allow_none=True)


class _RoleEvent(Event):
    subject = "role_id"

    role_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    organiser_id = fields.UUID(required=True)
    role = fields.String(required=True)


class RoleGranted(_RoleEvent):
    """An organiser may act on a gathering."""

    type = "registration.role_granted.v1"

    email = fields.String(required=True)
    name = fields.String(required=True)


class RoleRevoked(_RoleEvent):
    """An organiser may no longer act on a gathering in this role."""

    type = "registration.role_revoked.v1"


class ColleagueInvited(Event):
    """Somebody is asked to help; `link` opens the door once, until `expires_at`, and leads to the gathering."""

    type = "registration.colleague_invited.v1"
    subject = "role_id"
    transient = True
    secrets = ("link",)

    role_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    sign_in_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    invited_by = fields.String(required=True)
    link = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    language = fields.String(required=True)


class SignInAsked(Event):
    """An organiser wants to come in; `link` and `code` open the door once, until `expires_at`."""

    type = "registration.sign_in_asked.v1"
    subject = "sign_in_id"
    transient = True

    sign_in_id = fields.UUID(required=True)
    email = fields.String(required=True)
    link = fields.String(required=True)
    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    language = fields.String(required=True)


class PasskeyAdded(Event):
    """An organiser can come in with one more passkey; `passkey` is what they call it, `link` where they remove it."""

    type = "registration.passkey_added.v1"
    subject = "passkey_id"
    transient = True

    passkey_id = fields.UUID(required=True)
    organiser_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    passkey = fields.String(required=True)
    link = fields.String(required=True)
    language = fields.String(required=True)


class IdentityBound(Event):
    """An organiser can come in with their account elsewhere: `account` is its address there, "" when nobody said;
    `link` is where they remove it."""

    type = "registration.identity_bound.v1"
    subject = "identity_id"
    transient = True

    identity_id = fields.UUID(required=True)
    organiser_id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    provider = fields.String(required=True)
    account = fields.String(required=True)
    link = fields.String(required=True)
    language = fields.String(required=True)


class PersonInvited(Event):
    """Someone is asked to come; the letter waits for an organiser's go."""

    type = "registration.person_invited.v1"
    subject = "invitation_id"
    secrets = ("link",)

    invitation_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    email = fields.String(required=True)
    given = fields.String(required=True)
    family = fields.String(required=True)
    link = fields.String(required=True)
    language = fields.String(required=True)


class _ParticipantEvent(Event):
    """What every fact about a participant says: who, where, and the link that leads to their place."""

    subject = "participant_id"
    secrets: ClassVar[tuple[str, ...]] = ("link",)

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    email = fields.String(required=True)
    given = fields.String(required=True)
    family = fields.String(required=True)
    link = fields.String(required=True)
    language = fields.String(required=True)


class _Placed(_ParticipantEvent):
    territory = fields.String(required=True)
    trade = fields.String(required=True)
    structure = fields.String(required=True)


class AddressToConfirm(_ParticipantEvent):
    """A seat is held until `expires_at`; `link` or `code` confirms the address.

    `handed_by` is who hands their own seat over, or empty.
    """

    type = "registration.address_to_confirm.v1"
    secrets = ("link", "code")

    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    handed_by = fields.String()


class LinkAsked(_ParticipantEvent):
    """Someone who has a place, or waits for one, wants their link again."""

    type = "registration.link_asked.v1"

    asked_at = fields.AwareDateTime(required=True)


class _Seated(_Placed):
    walk_in = fields.Boolean(required=True)
    registered_at = fields.AwareDateTime(required=True)


class ParticipantRegistered(_Seated):
    """Someone holds a seat from `registered_at` on (UTC)."""

    type = "registration.participant_registered.v1"


class ParticipantRestored(_Seated):
    """Someone took back a cancellation and holds their seat again."""

    type = "registration.participant_restored.v1"


class ParticipantWaitlisted(_ParticipantEvent):
    """Someone waits, as number `rank` of the line, because of `reason` (full, quota)."""

    type = "registration.participant_waitlisted.v1"

    territory = fields.String(required=True)
    rank = fields.Integer(required=True)
    reason = fields.String(required=True)


class SeatOffered(_ParticipantEvent):
    """A seat is kept for someone who waited, until `expires_at`."""

    type = "registration.seat_offered.v1"

    expires_at = fields.AwareDateTime(required=True)


class OfferExpired(_ParticipantEvent):
    """Nobody answered the offer of a seat; it goes to the next."""

    type = "registration.offer_expired.v1"


class HoldExpired(_ParticipantEvent):
    """Nobody confirmed the address a seat was held for; the seat goes to the next."""

    type = "registration.hold_expired.v1"


class ParticipantChanged(_Placed):
    """Someone's details are other than before; `before` and `after` hold the changed fields only."""

    type = "registration.participant_changed.v1"

    before = fields.Dict(keys=fields.String(), required=True)
    after = fields.Dict(keys=fields.String(), required=True)


class ParticipantCancelled(_ParticipantEvent):
    """Someone will not come; `held_seat` tells whether they held a seat, `handed_to` who has it now (or empty).

    `is_silent`: two rows of one person were joined or parted, so there is nobody to write to.
    """

    type = "registration.participant_cancelled.v1"

    held_seat = fields.Boolean(required=True)
    is_silent = fields.Boolean()
    handed_to = fields.String()
    cancelled_at = fields.AwareDateTime(required=True)


class ParticipantCheckedIn(_ParticipantEvent):
    """Someone is here."""

    type = "registration.participant_checked_in.v1"

    checked_in_at = fields.AwareDateTime(required=True)


class ParticipantAbsent(Event):
    """Someone who was expected is not here."""

    type = "registration.participant_absent.v1"
    subject = "participant_id"

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    noted_at = fields.AwareDateTime(required=True)


class DisclosureAsked(Event):
    """Somebody wants to read everything that is held about them: every service tells it."""

    type = "registration.disclosure_asked.v1"
    subject = "participant_id"
    transient = True

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    asked_at = fields.AwareDateTime(required=True)


class ParticipantErased(Event):
    """Somebody is to be forgotten: every service forgets who they are and confirms it.

    `family` is their family name when nobody else of the gathering bears it, else empty. `reason`:
    asked, or retention when the time for which the gathering keeps its people is over.
    """

    type = "registration.participant_erased.v1"
    subject = "participant_id"
    secrets = ("family",)

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    family = fields.String(required=True)
    erased_at = fields.AwareDateTime(required=True)
    reason = fields.String()


class _StoryEvent(Event):
    subject = "story_id"

    story_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    title = fields.String(required=True)


class StoryAccepted(_StoryEvent):
    """A story is part of the day; `participant_id` tells it."""

    type = "registration.story_accepted.v1"


class StoryWithdrawn(_StoryEvent):
    """An accepted story is no longer part of the day.

    `reason`: withdrawn by who brought it, also with their seat, or declined by those who prepare the day.
    """

    type = "registration.story_withdrawn.v1"

    reason = fields.String()


class _TopicEvent(Event):
    subject = "topic_id"

    topic_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    question = fields.String(required=True)
    number = fields.Integer(required=True)


class TopicAccepted(_TopicEvent):
    """A topic is part of the day under a number; `participant_id` carries it."""

    type = "registration.topic_accepted.v1"


class TopicWithdrawn(_TopicEvent):
    """An accepted topic is no longer part of the day; `reason` as for a story."""

    type = "registration.topic_withdrawn.v1"

    reason = fields.String()


class PlanKept(Event):
    """Who carries a topic wants their own words about what they will try sent to them later; empty: no more."""

    type = "registration.plan_kept.v1"
    subject = "topic_id"

    topic_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    plan = fields.String(required=True)


class WishesRanked(Event):
    """The topics someone would like to work on, the dearest first; an empty list means no preference."""

    type = "registration.wishes_ranked.v1"
    subject = "participant_id"

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    topic_ids = fields.List(fields.UUID(), required=True)


EVENTS: tuple[type[Event], ...] = (
    GatheringDescribed,
    RoleGranted,
    RoleRevoked,
    ColleagueInvited,
    SignInAsked,
    PasskeyAdded,
    IdentityBound,
    PersonInvited,
    AddressToConfirm,
    LinkAsked,
    ParticipantRegistered,
    ParticipantRestored,
    ParticipantWaitlisted,
    SeatOffered,
    OfferExpired,
    HoldExpired,
    ParticipantChanged,
    ParticipantCancelled,
    ParticipantCheckedIn,
    ParticipantAbsent,
    DisclosureAsked,
    ParticipantErased,
    StoryAccepted,
    StoryWithdrawn,
    TopicAccepted,
    TopicWithdrawn,
    PlanKept,
    WishesRanked,
)
