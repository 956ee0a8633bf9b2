"""Gatherings as they are described and shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from services.chassis.catalogues import N_
from services.registration import hours, names
from services.registration.schemas.questions import QuestionView
from services.registration.schemas.shapes import LANGUAGES, Address, Shape, Text, each_line

WRITINGS = ("median", "doublet", "epicene")


class TerritoryShape(Shape):
    """A territory and the seats it may hold; a quota of null sets no limit."""

    class Meta:
        # What was read may be sent back with its letters.
        unknown = EXCLUDE

    letter = fields.String(dump_only=True)
    name = Text(required=True)
    quota = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 100_000))


class AngleShape(Shape):
    """A listening angle."""

    class Meta:
        # What was read may be sent back with its numbers.
        unknown = EXCLUDE

    number = fields.Integer(dump_only=True)
    name = Text(required=True, longest=200)


# For so many days after the gathering people may be kept.
KEEPING = (90, 180, 365, 730)
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
    keep_days = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(KEEPING),
        metadata={
            "description": "So many days after its end everybody is forgotten; null: only who asks for it."
        },
    )

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
        blank_is_missing = (
            "date",
            "starts",
            "ends",
            "seats",
            "hold_h",
            "offer_h",
            "offers_stop_h",
            "keep_days",
        )
        return {name: said for name, said in data.items() if said.strip() or name not in blank_is_missing}

    @post_load
    def plain(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.check_zone(data["zone"])
        day, starts, ends = data.pop("date"), data.pop("starts"), data.pop("ends")
        errors: dict[str, list[str]] = {}
        data["starts_at"] = self._instant(day, starts, data["zone"], "starts", errors)
        data["ends_at"] = self._instant(day, ends, data["zone"], "ends", errors)
        data["territories"] = [self._territory(line, errors) for line in each_line(data["territories"])]
        data["trades"] = each_line(data["trades"])
        data["angles"] = [{"name": line} for line in each_line(data["angles"])]
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
    keep_days = fields.Integer(allow_none=True)
    territories = fields.List(fields.Nested(TerritoryShape))
    trades = fields.List(fields.String())
    angles = fields.List(fields.Nested(AngleShape))
    questions = fields.List(fields.Nested(QuestionView))


class FiguresView(Schema):
    """A gathering in figures."""

    seats = fields.Integer()
    taken = fields.Integer()
    states = fields.Dict(keys=fields.String(), values=fields.Integer())
    held = fields.Dict(keys=fields.String(), values=fields.Integer())
    invited = fields.Integer()
    stories = fields.Dict(keys=fields.String(), values=fields.Integer())
    topics = fields.Dict(keys=fields.String(), values=fields.Integer())
