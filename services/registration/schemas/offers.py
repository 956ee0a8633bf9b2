"""What people bring: stories, topics, and wishes about topics."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.registration.schemas.shapes import Shape, Text


class NewStory(Shape):
    """A story someone would tell, and that they agree to have it told."""

    title = Text(required=True, longest=200, error_messages={"required": "Give your story a title."})
    consents = fields.Boolean(load_default=False)


class NewTopic(Shape):
    """A project or difficulty, as a question."""

    question = Text(required=True, longest=240, error_messages={"required": "Write your question."})


class NewPlan(Shape):
    """What a carrier will try after the day, in their own words; empty to have nothing sent."""

    topic_id = fields.UUID(required=True)
    plan = Text(load_default="", longest=1000, lines=True)


class Wishes(Shape):
    """Up to three topics, the dearest first."""

    topic_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(max=3))


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
