"""Other versions of the platform, for processes that are told to be one: the one before this, and the next.

No history of the repository is needed for them. What an older version told is frozen in tests/contract/facts: what a
fact has beside its example came later. What a newer version may do is what the contract lets it do: more in a fact,
more in its envelope, and facts that nobody has heard of. What a version understands goes with it: an older one reads
one fact of each message, as before facts travelled together, and leaves alone what it does not know.

This shows that what travels between versions is told and heard once, in order. It does not show that the code of an
older version works on a newer database: migrations have tests of their own.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

AGES = ("older", "", "newer")
EVERYBODY = "everybody"
EXAMPLES = Path(__file__).parents[1] / "contract" / "facts"
# What a newer version says beside the rest, in a fact and in its envelope, and the fact that is new in it.
SAID, ENVELOPED, TOLD = "shoe_size", "weather", "registration.participant_greeted.v1"
AFTER, HEARER = "registration.participant_checked_in.v1", "grouping"


def set_age(data: Path, process: str, age: str) -> None:
    """Have a process of this street be of another version from its next start on."""
    folder = data / "ages"
    folder.mkdir(exist_ok=True)
    aside = folder / f"{process}.new"
    aside.write_text(age)
    aside.rename(folder / process)


def age_of(data: Path, process: str) -> str:
    """The version that a process is to be; "" is this one."""
    for name in (process, EVERYBODY):
        if (mine := data / "ages" / name).exists():
            return mine.read_text()
    return ""


def become(age: str) -> None:
    """Make this process one of that version."""
    if age == "older":
        _tell_as_before()
        _pack_one_by_one()
        _read_the_first_alone()
    elif age == "newer":
        _tell_more()
        _say_more_of_it()
        _tell_and_hear_what_is_new()


@cache
def came_later(event_type: str) -> frozenset[str]:
    """The fields of a fact that its first version had not; they are never required."""
    from infra import asyncapi  # noqa: PLC0415 it reads every service

    example = EXAMPLES / f"{event_type}.json"
    if not example.exists():
        return frozenset()
    frozen = json.loads(example.read_text(encoding="utf-8"))
    known = asyncapi.promises()[event_type]().fields
    return frozenset(name for name, field in known.items() if name not in frozen and not field.required)


def _tell_as_before() -> None:
    from services.chassis.outbox import Event  # noqa: PLC0415 the process knows it already

    dump = Event.dump

    def as_before(self: Any, *args: Any, **rest: Any) -> Any:
        body = dump(self, *args, **rest)
        return {name: value for name, value in body.items() if name not in came_later(self.type)}

    Event.dump = as_before  # type: ignore[method-assign]


def _pack_one_by_one() -> None:
    from services.chassis import due  # noqa: PLC0415

    due.MANY = 1


def _read_the_first_alone() -> None:
    from services.chassis import worker  # noqa: PLC0415

    def first(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [{name: value for name, value in message.items() if name not in ("also", "afresh")}]

    worker.apart = first


def _tell_more() -> None:
    from services.chassis.outbox import Event  # noqa: PLC0415

    dump, validate = Event.dump, Event.validate

    def with_more(self: Any, *args: Any, **rest: Any) -> Any:
        return {**dump(self, *args, **rest), SAID: 44}

    def but_for_that(self: Any, data: Any, **rest: Any) -> Any:
        return validate(self, {name: value for name, value in data.items() if name != SAID}, **rest)

    Event.dump, Event.validate = with_more, but_for_that  # type: ignore[method-assign]


def _say_more_of_it() -> None:
    from services.chassis import due  # noqa: PLC0415

    written = due._written
    due._written = lambda row, source: f'{written(row, source)[:-1]}, "{ENVELOPED}": "mild"}}'


def _tell_and_hear_what_is_new() -> None:
    from marshmallow import fields  # noqa: PLC0415

    from services.chassis import outbox, routes  # noqa: PLC0415
    from services.chassis.inbox import Heard  # noqa: PLC0415
    from services.chassis.outbox import Event  # noqa: PLC0415
    from services.grouping.tasks import inbox  # noqa: PLC0415

    class Greeted(Event):
        type: ClassVar[str] = TOLD
        subject: ClassVar[str] = "participant_id"

        participant_id = fields.UUID(required=True)

    class Greeting(Heard):
        participant_id = fields.UUID(required=True)

    inbox.on(TOLD, reads=Greeting)(lambda session, fact, now: None)
    known = {**routes.hearers(), TOLD: (HEARER,)}
    outbox.hearers = lambda: known
    publish = outbox.publish

    def and_greet(session: Any, event: Any, about: Any, **rest: Any) -> Any:
        told = publish(session, event, about, **rest)
        if event.type == AFTER:
            publish(session, Greeted, {"participant_id": about["participant_id"]}, **rest)
        return told

    for module in list(sys.modules.values()):
        for name in ("publish", "tell"):
            if getattr(module, "__dict__", {}).get(name) is publish:
                setattr(module, name, and_greet)
