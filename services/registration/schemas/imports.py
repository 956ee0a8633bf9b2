"""Lists of people from a spreadsheet."""

from __future__ import annotations

from marshmallow import Schema, fields

from services.registration.schemas.shapes import Shape


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
