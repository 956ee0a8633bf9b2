"""A question of a gathering: what is asked, what for, how long the answer is kept, and when it is asked at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any

from rapidfuzz import fuzz, process

from services.registration import names


class Kind(StrEnum):
    """How a question is answered."""

    short_text = "short_text"
    long_text = "long_text"
    single = "single"
    multiple = "multiple"
    number = "number"
    date = "date"
    yes_no = "yes_no"
    phone = "phone"


CHOICES = (Kind.single, Kind.multiple)
# What another question may depend on: answers out of a list that everybody sees.
LEADING = (*CHOICES, Kind.yes_no)
# For how many days after the gathering answers may be kept.
RETENTIONS = (7, 30, 90, 365)
MOST = 30
MOST_OPTIONS = 40
# A question may hang on a question that hangs on a question.
DEEPEST = 3
# From this likeness on (in 0..100), a changed option is the same one better spelt.
SAME = 85


@dataclass(frozen=True)
class Option:
    """One answer to choose, in the languages it was written in; `gone` when it is offered no more."""

    key: str
    words: Mapping[str, str]
    gone: bool = False


@dataclass(frozen=True)
class Condition:
    """A question is asked only of who answered `answer` (an option's key, `yes` or `no`) to the question `key`."""

    key: str
    answer: str


@dataclass(frozen=True)
class Wording:
    """What a question said in an earlier version."""

    version: int
    wording: Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """One question as organisers made it; texts map a language to words.

    `version` rises whenever what is asked changes, and `before` holds what earlier versions said, so that an answer
    can be shown beside the words that were answered. `removed_at` and `forgotten_at` are instants: since when it is
    asked no more, and when its answers were erased because their time was over.
    """

    key: str
    kind: Kind
    wording: Mapping[str, str]
    purpose: Mapping[str, str]
    keep_days: int = 30
    required: bool = False
    options: tuple[Option, ...] = ()
    only_if: Condition | None = None
    version: int = 1
    before: tuple[Wording, ...] = ()
    removed_at: str | None = None
    forgotten_at: str | None = None

    @property
    def twice(self) -> bool:
        """Whether two of the answers to choose say the same."""
        said = [_said(one) for one in self.options if not one.gone]
        return len(set(said)) < len(said)

    @property
    def choices(self) -> list[str]:
        """The keys one may answer with; empty for questions that are answered freely."""
        if self.kind == Kind.yes_no:
            return ["yes", "no"]
        return [one.key for one in self.options if not one.gone]

    def asked_as(self, version: int) -> Mapping[str, str]:
        """What the question said when it was answered."""
        return next((one.wording for one in self.before if one.version == version), self.wording)


def of(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    """Questions as they were kept."""
    return [
        Question(
            **{
                **row,
                "kind": Kind(row["kind"]),
                "options": tuple(Option(**one) for one in row["options"]),
                "only_if": Condition(**row["only_if"]) if row["only_if"] else None,
                "before": tuple(Wording(**one) for one in row["before"]),
            }
        )
        for row in rows
    ]


def rows(questions: Iterable[Question]) -> list[dict[str, Any]]:
    """Questions as they are kept."""
    return [{**asdict(question), "kind": str(question.kind)} for question in questions]


@dataclass
class Branch:
    """A question, and below each of its answers the questions that only this answer leads to."""

    question: Question
    below: dict[str, list[Branch]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Question]:
        yield self.question
        for branches in self.below.values():
            for branch in branches:
                yield from branch


def branches(questions: Iterable[Question]) -> list[Branch]:
    """The questions that are asked, as they depend on one another, in their order.

    A question whose condition cannot be met any more (its leading question or that answer was taken away) is asked
    of nobody and left out.
    """
    asked = [one for one in questions if not one.removed_at]
    grown = {one.key: Branch(one) for one in asked}
    roots = []
    for one in asked:
        if one.only_if is None:
            roots.append(grown[one.key])
        elif (leading := grown.get(one.only_if.key)) and one.only_if.answer in leading.question.choices:
            leading.below.setdefault(one.only_if.answer, []).append(grown[one.key])
    return roots


def asked(questions: Iterable[Question]) -> list[Question]:
    """The questions that somebody may be asked, each after the one it depends on."""
    return [question for branch in branches(questions) for question in branch]


def depth(questions: Sequence[Question], question: Question) -> int:
    """How many questions lead to this one; DEEPEST and more when it depends on itself."""
    known, steps = {one.key: one for one in questions}, 0
    while question.only_if and question.only_if.key in known and steps <= DEEPEST:
        question, steps = known[question.only_if.key], steps + 1
    return steps


def kept_until(question: Question, ends_at: datetime) -> datetime:
    """When the answers are erased, for a gathering that ends at `ends_at`."""
    return ends_at + timedelta(days=question.keep_days)


def begun(question: Question, key: str) -> Question:
    """The first version of a question, with keys of its own."""
    return replace(question, key=key, options=_same_options((), question.options))


def changed(was: Question, now: Question) -> Question:
    """`now` in the place of `was`: answers given to it stay readable beside the words that were answered.

    An option keeps its key while it says nearly the same; other words are another answer, which nobody has given yet.
    Options that are offered no more stay as `gone`.
    """
    now = replace(now, key=was.key, options=_same_options(was.options, now.options))
    now = replace(now, version=was.version, before=was.before, removed_at=was.removed_at)
    if (now.wording, now.options) == (was.wording, was.options):
        return now
    return replace(now, version=was.version + 1, before=(*was.before, Wording(was.version, was.wording)))


def anew(questions: Iterable[Question]) -> list[Question]:
    """The same questions for another gathering: what was removed stays behind, and nothing was ever otherwise."""
    return [
        replace(
            one,
            version=1,
            before=(),
            forgotten_at=None,
            options=tuple(option for option in one.options if not option.gone),
        )
        for one in asked(questions)
    ]


def _same_options(was: tuple[Option, ...], now: tuple[Option, ...]) -> tuple[Option, ...]:
    """`now` with the keys its options had before, then those of before that are gone."""
    free = {_said(one): one.key for one in was}
    found = [free.pop(_said(one), "") for one in now]
    for place, one in enumerate(now):
        near = process.extractOne(_said(one), list(free), scorer=fuzz.ratio, score_cutoff=SAME)
        if near and not found[place]:
            found[place] = free.pop(near[0])
    taken = {one.key for one in was}
    counter = (key for number in count(1) if (key := f"o{number}") not in taken)
    keys = [key or next(counter) for key in found]
    kept = tuple(replace(one, key=key, gone=False) for one, key in zip(now, keys, strict=True))
    return kept + tuple(replace(one, gone=True) for one in was if one.key not in keys)


def _said(option: Option) -> str:
    return names.fold(next((words for words in option.words.values() if words), option.key))
