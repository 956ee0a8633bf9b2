"""What every JSON shape of the house keeps to: nothing unknown, numbers as numbers, and lists a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate

MOST, USUAL = 500, 100


class Shape(Schema):
    """What comes in. A member that it does not know is refused: a mistyped name would be a change not made."""

    class Meta:
        unknown = RAISE


class PageQuery(Schema):
    """Which part of a list: at most `limit` items after the first `after`."""

    class Meta:
        unknown = EXCLUDE

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 10_000_000),
        metadata={"description": "The `next` of the page before; 0 begins the list."},
    )
    limit = fields.Integer(
        load_default=USUAL,
        validate=validate.Range(1, MOST),
        metadata={"description": "How many items at most."},
    )


@cache
def page_of(view: type[Schema], **other: fields.Field[Any]) -> type[Schema]:
    """The shape of one page of a list of `view`, with the `other` fields that stand beside the items."""
    name = view.__name__.removesuffix("View") + "Page"
    shape: type[Schema] = Schema.from_dict(
        {
            "items": fields.List(fields.Nested(view), required=True),
            "next": fields.Integer(
                required=True,
                allow_none=True,
                metadata={"description": "The `after` of the next page; null on the last one."},
            ),
            **other,
        },
        name=name,
    )
    return shape


def page(things: Sequence[Any], *, after: int, limit: int, **other: Any) -> dict[str, Any]:
    """One page of a list that is all here."""
    return a_page(things[after : after + limit + 1], after=after, limit=limit, **other)


def a_page(found: Sequence[Any], *, after: int, limit: int, **other: Any) -> dict[str, Any]:
    """One page of which up to `limit` + 1 things were `found`: one too many says that there is a next one."""
    return {
        **other,
        "items": found[:limit],
        "next": after + limit if len(found) > limit else None,
    }


def as_json_says(schema: Schema, given: Any) -> Any:
    """`given` with what is no number or no yes-or-no to JSON made unreadable, so that the schema refuses it.

    A form's "12" is a number and its "on" a yes; a program says 12 and true, and its document promises so.
    """
    if schema.many and isinstance(given, list):
        return [_members(schema, one) for one in given]
    return _members(schema, given)


def _members(schema: Schema, given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    by_key = {field.data_key or name: field for name, field in schema.load_fields.items()}
    return {key: _member(by_key[key], said) if key in by_key else said for key, said in given.items()}


# Read by no field as a number or a yes.
_UNREADABLE: list[Any] = []


def _member(field: fields.Field[Any], said: Any) -> Any:
    match field:
        case fields.Integer():
            return said if said is None or _is_whole(said) else _UNREADABLE
        case fields.Boolean():
            return said if said is None or isinstance(said, bool) else _UNREADABLE
        case fields.Nested():
            return as_json_says(field.schema, said)
        case fields.List() if isinstance(said, list):
            return [_member(field.inner, one) for one in said]
        case fields.Dict(value_field=inner) if inner is not None and isinstance(said, dict):
            return {key: _member(inner, one) for key, one in said.items()}
    return said


def _is_whole(said: Any) -> bool:
    if isinstance(said, bool):
        return False
    return isinstance(said, int) or (isinstance(said, float) and said.is_integer())
