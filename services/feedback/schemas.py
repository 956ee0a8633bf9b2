"""What feedback takes in and gives out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from services.chassis.shapes import Shape
from services.feedback.models import Question

# Signs that nobody types on purpose: control characters other than the end of a line, and blanks without width.
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]")


class Prose(fields.String):
    """Text as somebody typed it, without the signs nobody can see; blanks at its ends do not count."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return _UNSEEN.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def read_sheet(
    questions: Iterable[Question], form: Mapping[str, list[str]]
) -> tuple[dict[str, Any], list[str]]:
    """What a form answers: answers by question name, and the names of the sentences that may be published.

    `form` holds each field's values as they were sent; consent to `takeaway` is the field `takeaway-quote`.
    Questions left empty are left out. Raises ValidationError with what belongs beside each field.
    """
    asked = list(questions)
    sent = {question.name: [v for v in form.get(question.name, []) if v.strip()] for question in asked}
    shape = Schema.from_dict({question.name: _field(question) for question in asked}, name="Sheet")
    given: dict[str, Any] = shape().load(
        {
            question.name: values if question.kind == "multiple" else values[0]
            for question in asked
            if (values := sent[question.name])
        }
    )
    given = {name: value for name, value in given.items() if value}
    agreed = [
        q.name for q in asked if q.quotable and form.get(f"{q.name}-quote") == ["yes"] and q.name in given
    ]
    return given, agreed


def _field(question: Question) -> fields.Field[Any]:
    if question.kind == "text":
        return Prose(required=question.required, validate=validate.Length(max=question.longest))
    one = Prose(required=question.required, validate=validate.OneOf([c["key"] for c in question.choices]))
    return fields.List(one, required=question.required) if question.kind == "multiple" else one


class Opening(Schema):
    """How many people were sent their link just now."""

    addressed = fields.Integer(
        metadata={"description": "People told by this call; those told before are not counted."}
    )


class CellView(Schema):
    label = fields.String()
    count = fields.Integer(allow_none=True, metadata={"description": "null: hidden, see `minimum`"})


class TallyView(Schema):
    name = fields.String()
    kind = fields.String()
    wording = fields.String()
    answers = fields.Integer(allow_none=True)
    cells = fields.List(fields.Nested(CellView))
    mean = fields.Float(allow_none=True)
    texts = fields.List(fields.String())
    veiled = fields.Boolean()


class ResultsView(Schema):
    """What the answers add up to. Nothing stands here that fewer than `minimum` people said."""

    present = fields.Integer(metadata={"description": "people who were checked in"})
    addressed = fields.Integer(metadata={"description": "links sent; each answers once"})
    received = fields.Integer(allow_none=True, metadata={"description": "null: fewer than `minimum`"})
    counted = fields.Integer()
    minimum = fields.Integer()
    tallies = fields.List(fields.Nested(TallyView))
    quotes = fields.List(fields.String())


class SourceView(Schema):
    kind = fields.String()
    ref = fields.String()
    says = fields.String()


class LineView(Schema):
    text = fields.String()
    quote = fields.UUID(
        allow_none=True, metadata={"description": "the id of a quote; null for a sentence of ours"}
    )
    sources = fields.List(fields.Nested(SourceView))
    chosen = fields.Boolean()
    proven = fields.Boolean()


class PartView(Schema):
    id = fields.UUID()
    kind = fields.String()
    heading = fields.String()
    version = fields.Integer()
    lines = fields.List(fields.Nested(LineView))


class AccountView(Schema):
    """The account as its organisers see it."""

    title = fields.String()
    published_at = fields.AwareDateTime(allow_none=True)
    link = fields.String()
    parts = fields.List(fields.Nested(PartView))
    names = fields.List(
        fields.Dict(keys=fields.String(), values=fields.String()),
        metadata={"description": "Passages with a participant's family name; `key` confirms one."},
    )


class EditedPart(Shape):
    """A part as an organiser left it: all its lines, or for words the quotes that stay."""

    heading = Prose(load_default="", validate=validate.Length(max=200))
    lines = fields.List(
        Prose(validate=validate.Length(max=2000)), required=True, validate=validate.Length(max=200)
    )
    version = fields.Integer(required=True)


class Publication(Shape):
    """`confirmed`: keys of the passages that hold a name and may be published all the same."""

    confirmed = fields.List(fields.String(), load_default=list)


class NewTitle(Shape):
    title = Prose(required=True, validate=validate.Length(1, 200))


class Code(Schema):
    code = Prose(required=True, validate=validate.Length(1, 60))
