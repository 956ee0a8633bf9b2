"""What registration takes in and gives out over HTTP: shapes, not rules."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from services.chassis.catalogues import N_
from services.registration import addresses, hours, names

LANGUAGES = ("fr", "en")
MOST_TOGETHER = 30
WRITINGS = ("median", "doublet", "epicene")
ROLES = ("organiser", "desk", "facilitator", "reader")


class Text(fields.String):
    """One line of clean text, `longest` characters at most; what is blank counts as missing."""

    def __init__(self, *, longest: int = names.LONGEST, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest, self.lines = longest, lines

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        # Nobody cleans 400 kB of pasted text to find that it is too long.
        if len(text) > self.longest * 20:
            raise ValidationError("Longer than maximum length %d." % self.longest)  # noqa: UP031
        lines = text.splitlines() if self.lines else [text]
        clean = "\n".join(names.clean(line) for line in lines).strip()
        if len(clean) > self.longest:
            raise ValidationError("Longer than maximum length %d." % self.longest)  # noqa: UP031
        if self.required and not clean:
            raise self.make_error("required")
        return clean


class Address(fields.String):
    """An e-mail address as it is kept: lower case, no spaces around it."""

    default_error_messages = {"address": N_("This is not an e-mail address. Example: ada@example.org")}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if not text:
            if self.required:
                raise self.make_error("required")
            return ""
        try:
            return addresses.read(text)
        except addresses.NotAnAddress as error:
            raise self.make_error("address") from error


class Shape(Schema):
    """A form or a JSON body; what it does not know it does not read."""

    class Meta:
        unknown = EXCLUDE


class Details(Shape):
    """What a participant says of themselves."""

    given = Text(required=True, error_messages={"required": "Write your first name, as on your badge."})
    family = Text(load_default="")
    territory = fields.String(load_default="", validate=validate.Length(max=8))
    trade = Text(load_default="")
    structure = Text(load_default="", longest=160)
    language = fields.String(load_default="fr", validate=validate.OneOf(LANGUAGES))


class NewRegistration(Details):
    """Someone asks for a seat. `invitation` is the token of their invitation's link."""

    email = Address(required=True, error_messages={"required": "Write your e-mail address."})
    invitation = fields.String(load_default="", validate=validate.Length(max=64))


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
        lines = _lines(data["people"])
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


class Heir(Details):
    """Who takes over a seat."""

    email = Address(required=True, error_messages={"required": "Write their e-mail address."})


class Code(Shape):
    """Six digits typed from a letter; spaces between them are forgiven."""

    email = Address(load_default="")
    code = fields.String(required=True, validate=validate.Length(1, 20))

    @post_load
    def digits(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "code": "".join(sign for sign in data["code"] if sign.isdigit())}


class NewStory(Shape):
    """A story someone would tell, and that they agree to have it told."""

    title = Text(required=True, longest=200, error_messages={"required": "Give your story a title."})
    consents = fields.Boolean(load_default=False)


class NewTopic(Shape):
    """A project or difficulty, as a question."""

    question = Text(required=True, longest=240, error_messages={"required": "Write your question."})


class Wishes(Shape):
    """Up to three topics, the dearest first."""

    topic_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(max=3))


class SignInRequest(Shape):
    """An organiser asks for a way in."""

    email = Address(required=True, error_messages={"required": "Write your e-mail address."})


class NewOrganiser(Shape):
    """Somebody who shall help, and as what."""

    email = Address(required=True, error_messages={"required": "Write an e-mail address."})
    name = Text(load_default="")
    role = fields.String(load_default="organiser", validate=validate.OneOf(ROLES))


class AnotherDay(Shape):
    """When a gathering like this one shall be, and what it is called if it has another name."""

    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    title = Text(load_default=None, allow_none=True, longest=160)


class MemberView(Schema):
    """Somebody of a gathering's team."""

    role_id = fields.UUID()
    role = fields.String()
    name = fields.String()
    email = fields.String()


class TerritoryShape(Shape):
    """A territory and the seats it may hold; a quota of null sets no limit."""

    letter = fields.String(dump_only=True)
    name = Text(required=True)
    quota = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 100_000))


class AngleShape(Shape):
    """A listening angle."""

    number = fields.Integer(dump_only=True)
    name = Text(required=True, longest=200)


_HOURS = validate.Range(1, 24 * 30)


class _Described(Shape):
    title = Text(required=True, longest=160, error_messages={"required": "Give the gathering a name."})
    purpose = Text(load_default="", longest=2000, lines=True)
    zone = fields.String(load_default="Europe/Paris")
    place = Text(load_default="", longest=240)
    seats = fields.Integer(
        required=True,
        validate=validate.Range(0, 100_000),
        error_messages={"required": "Write how many seats there are.", "invalid": "Write a number."},
    )
    language = fields.String(load_default="fr", validate=validate.OneOf(LANGUAGES))
    writing = fields.String(load_default="epicene", validate=validate.OneOf(WRITINGS))
    organiser_name = Text(load_default="")
    reply_to = Address(load_default="")
    hold_h = fields.Integer(load_default=48, validate=_HOURS)
    offer_h = fields.Integer(load_default=48, validate=_HOURS)
    offers_stop_h = fields.Integer(load_default=24, validate=validate.Range(0, 24 * 60))

    @staticmethod
    def check_zone(zone: str) -> None:
        if zone not in available_timezones():
            raise ValidationError({"zone": ["Choose a time zone in the list."]})


class NewGathering(_Described):
    """A gathering as programs describe it."""

    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    territories = fields.List(fields.Nested(TerritoryShape), load_default=list)
    trades = fields.List(Text(), load_default=list)
    angles = fields.List(fields.Nested(AngleShape), load_default=list)

    @post_load
    def known_zone(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.check_zone(data.get("zone", "UTC"))
        return data


class GatheringChange(NewGathering):
    """A gathering described anew by a program: the version that was read, and the fields that change."""

    version = fields.Integer(required=True)


class GatheringForm(_Described):
    """A gathering as the page's form sends it: local hours, and lists with one line each.

    A territory's line is its name, and its quota after a `;`, a `,`, a `:` or a tab.
    """

    date = fields.Date(required=True, error_messages={"required": "Choose a day.", "invalid": "Choose a day."})
    starts = fields.Time(
        required=True,
        error_messages={"required": "Write an hour, like 09:30.", "invalid": "Write an hour, like 09:30."},
    )
    ends = fields.Time(
        required=True,
        error_messages={"required": "Write an hour, like 16:30.", "invalid": "Write an hour, like 16:30."},
    )
    territories = Text(load_default="", longest=8000, lines=True)
    trades = Text(load_default="", longest=8000, lines=True)
    angles = Text(load_default="", longest=8000, lines=True)
    version = fields.Integer(load_default=0)

    @pre_load
    def as_typed(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        blank_is_missing = ("date", "starts", "ends", "seats", "hold_h", "offer_h", "offers_stop_h")
        return {name: said for name, said in data.items() if said.strip() or name not in blank_is_missing}

    @post_load
    def plain(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.check_zone(data["zone"])
        day, starts, ends = data.pop("date"), data.pop("starts"), data.pop("ends")
        errors: dict[str, list[str]] = {}
        data["starts_at"] = self._instant(day, starts, data["zone"], "starts", errors)
        data["ends_at"] = self._instant(day, ends, data["zone"], "ends", errors)
        data["territories"] = [self._territory(line, errors) for line in _lines(data["territories"])]
        data["trades"] = _lines(data["trades"])
        data["angles"] = [{"name": line} for line in _lines(data["angles"])]
        if errors:
            raise ValidationError(errors)
        return data

    @staticmethod
    def _instant(day: dt.date, hour: dt.time, zone: str, field: str, errors: dict[str, list[str]]) -> object:
        try:
            return hours.instant(day, hour, zone)
        except hours.NoSuchHour:
            errors[field] = [N_("The clocks change that night: this hour does not exist on that day.")]
            return None

    @staticmethod
    def _territory(line: str, errors: dict[str, list[str]]) -> dict[str, Any]:
        for sign in (";", "\t", ",", ":"):
            name, found, quota = line.rpartition(sign)
            if found and quota.strip().isdigit():
                return {"name": names.clean(name)[: names.LONGEST], "quota": int(quota)}
            if found and name and sign == ";":
                errors["territories"] = [N_("After the “;” write a number of seats, or leave it out.")]
        return {"name": line[: names.LONGEST], "quota": None}


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


class GatheringView(Schema):
    """A gathering for programs."""

    id = fields.UUID(data_key="gathering_id")
    slug = fields.String()
    version = fields.Integer()
    state = fields.String()
    title = fields.String()
    purpose = fields.String()
    starts_at = fields.AwareDateTime()
    ends_at = fields.AwareDateTime()
    zone = fields.String()
    place = fields.String()
    language = fields.String()
    writing = fields.String()
    seats = fields.Integer()
    organiser_name = fields.String()
    reply_to = fields.String()
    hold_h = fields.Integer()
    offer_h = fields.Integer()
    offers_stop_h = fields.Integer()
    territories = fields.List(fields.Nested(TerritoryShape))
    trades = fields.List(fields.String())
    angles = fields.List(fields.Nested(AngleShape))


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


class ListingQuery(Shape):
    """Which people to list."""

    q = fields.String(load_default="")
    territory = fields.String(load_default="")
    state = fields.String(load_default="")
    page = fields.Integer(load_default=1, validate=validate.Range(1))
    size = fields.Integer(load_default=50, validate=validate.Range(1, 500))


class ListingView(Schema):
    """One page of people."""

    people = fields.List(fields.Nested(ParticipantView))
    total = fields.Integer()
    page = fields.Integer()


class WaiterView(Schema):
    """One line of the waiting list."""

    participant_id = fields.UUID(attribute="participant.id")
    given = fields.String(attribute="participant.given")
    family = fields.String(attribute="participant.family")
    territory = fields.String(attribute="participant.territory")
    rank = fields.Integer()
    reason = fields.String()


class FiguresView(Schema):
    """A gathering in figures."""

    seats = fields.Integer()
    taken = fields.Integer()
    states = fields.Dict(keys=fields.String(), values=fields.Integer())
    held = fields.Dict(keys=fields.String(), values=fields.Integer())
    invited = fields.Integer()
    stories = fields.Dict(keys=fields.String(), values=fields.Integer())
    topics = fields.Dict(keys=fields.String(), values=fields.Integer())
    waiting = fields.List(fields.Nested(WaiterView))


class NewImport(Shape):
    """A list of people as the text of a CSV file."""

    csv = fields.String(required=True)
    file_name = fields.String(load_default="list.csv")


class ImportApplication(Shape):
    """How to apply a list that was read."""

    fix_typos = fields.Boolean(load_default=True)


class ImportRowView(Schema):
    """What became of one line."""

    line = fields.Integer()
    status = fields.String()
    given = fields.String()
    family = fields.String()
    email = fields.String()
    meant = fields.String(allow_none=True)
    territory = fields.String()
    trade = fields.String()
    structure = fields.String()
    notes = fields.List(fields.List(fields.String()))


class ImportView(Schema):
    """A list that was read: how many lines of each kind, and every line; `invited` once it was applied."""

    id = fields.UUID(data_key="import_id")
    file_name = fields.String()
    encoding = fields.String()
    delimiter = fields.String()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    rows = fields.List(fields.Nested(ImportRowView))
    done = fields.Integer()
    applied_at = fields.AwareDateTime(allow_none=True)
    invited = fields.Integer(allow_none=True)


class StoryView(Schema):
    """A story."""

    id = fields.UUID(data_key="story_id")
    participant_id = fields.UUID()
    title = fields.String()
    consents = fields.Boolean()
    state = fields.String()


class TopicView(Schema):
    """A topic."""

    id = fields.UUID(data_key="topic_id")
    participant_id = fields.UUID()
    question = fields.String()
    number = fields.Integer(allow_none=True)
    state = fields.String()


class Bringing(Shape):
    """Who brings a story or a topic, for organisers who enter it."""

    participant_id = fields.UUID(required=True)


class StoryEntry(Bringing, NewStory):
    """A story entered by an organiser."""


class TopicEntry(Bringing, NewTopic):
    """A topic entered by an organiser."""


class TopicWording(Shape):
    """A topic's better wording, if it needs one."""

    question = Text(load_default="", longest=240)


class TokenExchange(Shape):
    """The token at the end of a sign-in link."""

    token = fields.String(required=True)


class TokenView(Schema):
    """What a program sends as `Authorization: Bearer …`, and for how long it holds."""

    token = fields.String()
    expires_in = fields.Integer()


class AbsencesView(Schema):
    """How many people were noted as absent."""

    absent = fields.Integer()
