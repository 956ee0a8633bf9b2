"""The shapes that grouping's doors take in and give out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.chassis.shapes import PageQuery, Shape


def _someone() -> fields.UUID:
    return fields.UUID(load_default=None, allow_none=True, error_messages={"invalid_uuid": "Choose a person."})


class NewRound(Shape):
    """`kind` is angles or topics; a blank name becomes the usual one."""

    kind = fields.String(
        required=True, validate=validate.OneOf(("angles", "topics"), error="Choose one of the two.")
    )
    name = fields.String(
        load_default="", validate=validate.Length(max=120, error="Use at most 120 characters.")
    )


class NewRebalance(Shape):
    """sizes: the fewest moves; balance: every table as mixed as it can be."""

    policy = fields.String(
        load_default="sizes", validate=validate.OneOf(("sizes", "balance"), error="Choose one of the two.")
    )


class NewMove(Shape):
    participant_id = fields.UUID(required=True)
    to = fields.Integer(required=True)


class MoveForm(Schema):
    to = fields.Integer(required=True, error_messages={"required": "Choose a group."})


class RolesForm(Schema):
    """Who has which role in a group; blank is nobody."""

    facilitator = _someone()
    rapporteur = _someone()
    timekeeper = _someone()


class ChosenPerson(Schema):
    person = fields.UUID(required=True, error_messages={"required": "Choose a person."})


class NewRoles(Shape):
    """Who has which role in a group; null is nobody, and who is left out has none."""

    facilitator = _someone()
    rapporteur = _someone()
    timekeeper = _someone()


class NewLock(Shape):
    participant_id = fields.UUID(required=True)


class NewLink(Shape):
    kind = fields.String(
        required=True,
        validate=validate.OneOf(("together", "apart"), error="Choose one of the two."),
        error_messages={"required": "Choose one of the two."},
    )
    one_id = fields.UUID(required=True, error_messages={"required": "Choose a person."})
    other_id = fields.UUID(required=True, error_messages={"required": "Choose a person."})


class NewSynthesis(Shape):
    modalities = fields.List(fields.String(), required=True)


class SynthesisForm(Schema):
    """One modality a line."""

    modalities = fields.String(load_default="")


class LinkView(Schema):
    link_id = fields.UUID(attribute="id")
    kind = fields.String()
    one_id = fields.UUID()
    other_id = fields.UUID()


class PersonView(Schema):
    participant_id = fields.UUID()
    given = fields.String()
    family = fields.String()
    state = fields.String()
    territory = fields.String()
    trade = fields.String()
    structure = fields.String()
    walk_in = fields.Boolean()


class SeatView(Schema):
    participant_id = fields.UUID()
    given = fields.String()
    family = fields.String()
    territory = fields.String()
    trade = fields.String()
    structure = fields.String()
    state = fields.String()
    role = fields.String()
    duty = fields.String(metadata={"description": "facilitator, rapporteur, timekeeper, or empty."})
    wish = fields.Integer(allow_none=True)
    locked = fields.Boolean()


class MixView(Schema):
    size = fields.Integer()
    territories = fields.Integer()
    trades = fields.Integer()
    structures = fields.Integer()
    colleagues = fields.Integer()


class TableView(Schema):
    group_id = fields.UUID()
    number = fields.Integer()
    name = fields.String()
    question = fields.String(allow_none=True)
    carrier = fields.UUID(attribute="carrier_id", allow_none=True)
    mix = fields.Nested(MixView)
    members = fields.List(fields.Nested(SeatView))


class FairnessView(Schema):
    """People by what they got: their first, second or third wish, none of them, or nothing asked."""

    first = fields.Integer()
    second = fields.Integer()
    third = fields.Integer()
    none = fields.Integer()
    silent = fields.Integer()
    people = fields.Integer()


class MoveView(Schema):
    participant_id = fields.UUID()
    name = fields.String()
    territory = fields.String()
    before = fields.Integer(allow_none=True)
    after = fields.Integer()
    reason = fields.String()


class AskView(Schema):
    ask_id = fields.UUID(attribute="id")
    kind = fields.String()
    policy = fields.String()
    state = fields.String()
    asked_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    share = fields.Float(metadata={"description": "How much of the time is gone, 0 to 1."})
    cost = fields.Integer(
        allow_none=True, metadata={"description": "Of the best so far; of a re-balance, people moved."}
    )
    problem = fields.Raw(allow_none=True)


class RoundView(Schema):
    round_id = fields.UUID(attribute="id")
    number = fields.Integer()
    kind = fields.String()
    name = fields.String()


class BoardView(Schema):
    """A round with what is on its board. `state` is waiting, empty, draft or published."""

    round_id = fields.UUID(attribute="round.id")
    gathering_id = fields.UUID(attribute="round.gathering_id")
    number = fields.Integer(attribute="round.number")
    kind = fields.String(attribute="round.kind")
    name = fields.String(attribute="round.name")
    state = fields.String()
    plan = fields.Integer(attribute="plan.number", dump_default=None, allow_none=True)
    version = fields.Integer(attribute="published.version", dump_default=None, allow_none=True)
    figures = fields.Raw()
    sizes = fields.List(fields.Integer())
    people = fields.Integer()
    broken_links = fields.Integer()
    ask = fields.Nested(AskView, allow_none=True)
    groups = fields.List(fields.Nested(TableView), attribute="tables")
    unseated = fields.List(fields.Nested(PersonView))
    gone = fields.List(fields.Nested(SeatView))
    unsure = fields.Integer(metadata={"description": "People of whom it is not known yet whether they came."})
    fairness = fields.Nested(FairnessView)


class ProposalView(Schema):
    """A re-balance to look at: state is waiting, ready or none."""

    state = fields.String()
    ask = fields.Nested(AskView, allow_none=True)
    figures = fields.Raw()
    moves = fields.List(fields.Nested(MoveView))


class CompanionView(Schema):
    given = fields.String()
    family = fields.String()
    territory = fields.String()
    trade = fields.String()


class WhoseWhereabouts(PageQuery):
    participant_id = fields.List(
        fields.UUID(),
        load_default=None,
        validate=validate.Length(1, 50),
        metadata={"description": "Whose groups, once for each person; everybody's where nobody is named."},
    )


class WhereaboutsView(Schema):
    participant_id = fields.UUID()
    round_id = fields.UUID(attribute="round.id")
    kind = fields.String(attribute="round.kind")
    round_name = fields.String(attribute="round.name")
    group_number = fields.Integer(attribute="group.number")
    group_name = fields.String(attribute="group.name")


class PlaceView(Schema):
    round_id = fields.UUID(attribute="round.id")
    kind = fields.String(attribute="round.kind")
    round_name = fields.String(attribute="round.name")
    group_number = fields.Integer(attribute="group.number")
    group_name = fields.String(attribute="group.name")
    question = fields.String(attribute="group.question", allow_none=True)
    role = fields.String()
    duty = fields.String(metadata={"description": "facilitator, rapporteur, timekeeper, or empty."})
    reasons = fields.List(fields.String())
    companions = fields.List(fields.Nested(CompanionView))


class SynthesisView(Schema):
    group_id = fields.UUID()
    angle = fields.String()
    modalities = fields.List(fields.String())
    written_at = fields.AwareDateTime()
