"""The questions of a gathering, as they are made and shown; and answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from services.chassis.catalogues import N_
from services.registration.asking.questions import RETENTIONS, Kind
from services.registration.schemas.shapes import LANGUAGES, Shape, Text, each_line

_KINDS = validate.OneOf([str(kind) for kind in Kind])
_RETENTIONS = validate.OneOf(RETENTIONS)


class Answer(fields.Field[str | list[str]]):
    """An answer of a program: a text, a number, a yes or no, the key of an option, or several keys."""

    default_error_messages = {"invalid": N_("This answer cannot be read.")}

    def __init__(self, **kwargs: Any) -> None:
        kinds = [{"type": kind} for kind in ("string", "number", "boolean")]
        said = {"anyOf": [*kinds, {"type": "array", "items": {"type": "string"}}]}
        super().__init__(metadata=said, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | list[str]:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str | int | float):
            return str(value)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        raise self.make_error("invalid")


class Words(Shape):
    """One text in the languages it was written in."""

    fr = Text(longest=300)
    en = Text(longest=300)


class ConditionShape(Shape):
    """Asked only of who answered `answer` (an option's key, `yes` or `no`) to the question `key`."""

    key = fields.String(required=True)
    answer = fields.String(required=True)


class NewQuestion(Shape):
    """One more question. `options` are the answers to choose from."""

    kind = fields.String(load_default=str(Kind.short_text), validate=_KINDS)
    wording = fields.Nested(Words, required=True)
    purpose = fields.Nested(Words, required=True)
    keep_days = fields.Integer(load_default=30, validate=_RETENTIONS)
    required = fields.Boolean(load_default=False)
    options = fields.List(fields.Nested(Words), load_default=list)
    only_if = fields.Nested(ConditionShape, load_default=None, allow_none=True)


class QuestionChange(NewQuestion):
    """A question asked otherwise; `version` is the gathering's when it was read."""

    version = fields.Integer(required=True)


class QuestionMove(Shape):
    """Where a question goes: before its neighbour or after it."""

    earlier = fields.Boolean(required=True)


class QuestionForm(Shape):
    """A question as the page's form sends it: the answers to choose on one line each, in each language."""

    kind = fields.String(load_default=str(Kind.short_text), validate=_KINDS)
    wording_fr = Text(load_default="", longest=300)
    wording_en = Text(load_default="", longest=300)
    purpose_fr = Text(load_default="", longest=300)
    purpose_en = Text(load_default="", longest=300)
    options_fr = Text(load_default="", longest=8000, lines=True)
    options_en = Text(load_default="", longest=8000, lines=True)
    keep_days = fields.Integer(load_default=30, validate=_RETENTIONS)
    required = fields.Boolean(load_default=False)
    only_if = fields.String(load_default="")
    version = fields.Integer(load_default=None, allow_none=True)

    @post_load
    def plain(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        lines = {language: each_line(data.pop(f"options_{language}")) for language in LANGUAGES}
        most = max(map(len, lines.values()))
        for name in ("wording", "purpose"):
            data[name] = {language: data.pop(f"{name}_{language}") for language in LANGUAGES}
        data["options"] = [
            {language: said[place] for language, said in lines.items() if place < len(said)}
            for place in range(most)
        ]
        key, _sign, answer = data["only_if"].partition("=")
        data["only_if"] = {"key": key, "answer": answer} if key else None
        return data


class OptionView(Schema):
    """One answer to choose; `gone` when it is offered no more."""

    key = fields.String()
    words = fields.Dict(keys=fields.String(), values=fields.String())
    gone = fields.Boolean()


class QuestionView(Schema):
    """A question for programs; with `removed_at` it is asked no more and its answers are still kept."""

    key = fields.String()
    version = fields.Integer()
    kind = fields.String()
    wording = fields.Dict(keys=fields.String(), values=fields.String())
    purpose = fields.Dict(keys=fields.String(), values=fields.String())
    keep_days = fields.Integer()
    required = fields.Boolean()
    options = fields.List(fields.Nested(OptionView))
    only_if = fields.Nested(ConditionShape, allow_none=True)
    removed_at = fields.AwareDateTime(allow_none=True)
    forgotten_at = fields.AwareDateTime(allow_none=True)


class KeptAnswerView(Schema):
    """What somebody answered, and to which version of the question."""

    said = fields.Raw()
    version = fields.Integer()
