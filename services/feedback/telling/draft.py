"""The first draft of an account, in the shape of the one that gave the idea.

How many came and from where, the stories that were told, what each angle drew from them, the topics as
questions, what the questionnaire says, and participants' own words to close. A part that nothing is known
about is left out.

The shape: Convergence, "Retour sur notre Journée nationale de l'accompagnement", 25 April 2022.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from babel.lists import format_list

from services.feedback.telling.evidence import Line, Source, numbers_in, one_line

# As many as close the account that gave the idea, twice over; organisers choose among all of them.
QUOTES_CHOSEN = 6


class Voice(Protocol):
    """Whoever says the sentences in the language of the account."""

    def gettext(self, message: str, /, **variables: object) -> str: ...

    def ngettext(self, one: str, many: str, num: int, /, **variables: object) -> str: ...


@dataclass(frozen=True)
class Said:
    """A circle's synthesis: its angle and the modalities it drew."""

    ref: str
    angle: str
    modalities: Sequence[str]


@dataclass(frozen=True)
class Asked:
    """A topic as it was worded; `number` is the one on the programme."""

    ref: str
    number: int
    question: str


@dataclass(frozen=True)
class Round:
    """One published plan, as counts: groups, and the territories and trades they held."""

    ref: str
    name: str
    people: int
    groups: int
    territories: Sequence[str]
    trades: Sequence[str]


@dataclass(frozen=True)
class Agreement:
    """`agree` of `answers` people chose one of the two highest values of a scale of `highest`."""

    ref: str
    wording: str
    agree: int
    answers: int
    highest: int


@dataclass(frozen=True)
class Day:
    """All that is known of the day: counts of people, names of territories and trades, texts as written."""

    ref: str
    title: str
    purpose: str
    on: str
    place: str
    language: str
    present: int
    territories: Sequence[str] = ()
    trades: Sequence[str] = ()
    stories: Sequence[tuple[str, str]] = ()
    angles: Round | None = None
    workshops: Round | None = None
    syntheses: Sequence[Said] = ()
    topics: Sequence[Asked] = ()
    agreement: Agreement | None = None
    quotes: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """One paragraph to be: `kind` is text, figures, angle, questions or words."""

    kind: str
    heading: str
    lines: list[Line] = field(default_factory=list)


def title_of(day: Day, voice: Voice) -> str:
    """The account's first title."""
    return voice.gettext("Looking back on %(title)s", title=day.title)


def draft(day: Day, voice: Voice) -> list[Part]:
    """The parts of the account, in order, every line beside its evidence; empty parts are left out.

    An account of a day nobody is known to have come to has only what was planned.
    """
    parts = [
        _opening(day, voice),
        _figures(day, voice),
        _stories(day, voice),
        *_angles(day, voice),
        *_topics(day, voice),
        _afterwards(day, voice),
        _words(day, voice),
    ]
    return [part for part in parts if part.lines]


def _opening(day: Day, voice: Voice) -> Part:
    part = Part("text", "")
    if day.present:
        part.lines.append(
            Line(
                voice.ngettext(
                    "%(num)s person answered the call on %(on)s (%(place)s).",
                    "%(num)s people answered the call on %(on)s (%(place)s).",
                    day.present,
                    on=day.on,
                    place=day.place,
                )
                if day.place
                else voice.ngettext(
                    "%(num)s person answered the call on %(on)s.",
                    "%(num)s people answered the call on %(on)s.",
                    day.present,
                    on=day.on,
                ),
                (_check_in(day, voice), _described(day, voice)),
                (day.present, *_numbers(day.on, day.place)),
            )
        )
    territories, source = _mixed(day, voice, "territories")
    if territories:
        part.lines.append(
            Line(
                voice.ngettext(
                    "One territory was there: %(names)s.",
                    "%(num)s territories were there: %(names)s.",
                    len(territories),
                    names=_listed(territories, day.language),
                ),
                (source,),
                (len(territories), *_numbers(*territories)),
            )
        )
    trades, source = _mixed(day, voice, "trades")
    if trades:
        part.lines.append(
            Line(
                voice.ngettext(
                    "One trade was represented: %(names)s.",
                    "%(num)s trades were represented: %(names)s.",
                    len(trades),
                    names=_listed(trades, day.language),
                ),
                (source,),
                (len(trades), *_numbers(*trades)),
            )
        )
    if day.purpose:
        part.lines.append(Line(_sentence(day.purpose), (_described(day, voice),), _numbers(day.purpose)))
    return part


def _figures(day: Day, voice: Voice) -> Part:
    part = Part("figures", "")
    territories, from_territories = _mixed(day, voice, "territories")
    trades, from_trades = _mixed(day, voice, "trades")
    for number, label, source in (
        (day.present, voice.ngettext("person there", "people there", day.present), _check_in(day, voice)),
        (
            len(territories),
            voice.ngettext("territory", "territories", len(territories)),
            from_territories,
        ),
        (len(trades), voice.ngettext("trade", "trades", len(trades)), from_trades),
        (
            len(day.topics),
            voice.ngettext("topic worked on", "topics worked on", len(day.topics)),
            Source("topics", day.ref, _counted_topics(day, voice)),
        ),
    ):
        if number:
            part.lines.append(Line(f"{number} {label}", (source,), (number,)))
    return part


def _stories(day: Day, voice: Voice) -> Part:
    part = Part("text", voice.gettext("Lived stories"))
    if day.stories:
        titles = [title for _, title in day.stories]
        part.lines.append(
            Line(
                voice.ngettext(
                    "One person told a lived story: %(titles)s.",
                    "%(num)s people told a lived story: %(titles)s.",
                    len(titles),
                    titles=_listed([_quoted(title, day.language) for title in titles], day.language),
                ),
                tuple(
                    Source("story", ref, voice.gettext("Story accepted: %(title)s", title=title))
                    for ref, title in day.stories
                ),
                (len(titles), *_numbers(*titles)),
            )
        )
    if day.angles is not None and day.angles.groups:
        part.lines.append(
            Line(
                voice.ngettext(
                    "Everyone had received the same listening angle, a thread to follow through the stories.",
                    "Everyone had received one of %(num)s listening angles, a thread to follow in the stories.",
                    day.angles.groups,
                ),
                (_planned(day.angles, voice),),
                (day.angles.groups,),
            )
        )
    if day.syntheses:
        part.lines.append(
            Line(
                voice.gettext(
                    "People then met by angle and pooled what they had heard. Ways of acting came out of it."
                ),
                tuple(_written(said, voice) for said in day.syntheses),
            )
        )
    return part


def _angles(day: Day, voice: Voice) -> list[Part]:
    together: dict[str, list[Line]] = {}
    for said in day.syntheses:
        lines = together.setdefault(said.angle, [])
        known = {line.text for line in lines}
        lines += [
            Line(modality, (_written(said, voice),), _numbers(modality))
            for modality in said.modalities
            if modality not in known
        ]
    return [Part("angle", angle, lines) for angle, lines in together.items()]


def _topics(day: Day, voice: Voice) -> list[Part]:
    heading = voice.ngettext(
        "A topic, asked as a question", "%(num)s topics, asked as questions", len(day.topics)
    )
    intro = Part("text", heading)
    if day.workshops is not None and day.workshops.groups:
        intro.lines.append(
            Line(
                voice.ngettext(
                    "One group worked on a project or a difficulty brought by one of its own.",
                    "%(num)s groups each worked on a project or a difficulty brought by one of their own.",
                    day.workshops.groups,
                ),
                (_planned(day.workshops, voice),),
                (day.workshops.groups,),
            )
        )
    questions = Part(
        "questions",
        "" if intro.lines else heading,
        [
            Line(
                topic.question,
                (Source("topic", topic.ref, voice.gettext("Topic %(number)s, accepted", number=topic.number)),),
                _numbers(topic.question),
            )
            for topic in day.topics
        ],
    )
    return [intro, questions]


def _afterwards(day: Day, voice: Voice) -> Part:
    part = Part("text", voice.gettext("And afterwards?"))
    said = day.agreement
    if said is not None:
        part.lines.append(
            Line(
                voice.ngettext(
                    "%(num)s answer of %(answers)s gives %(near)s or %(highest)s to %(wording)s.",
                    "%(num)s answers of %(answers)s give %(near)s or %(highest)s to %(wording)s.",
                    said.agree,
                    answers=said.answers,
                    near=said.highest - 1,
                    highest=said.highest,
                    wording=_quoted(said.wording, day.language),
                ),
                (
                    Source(
                        "answers",
                        said.ref,
                        voice.gettext(
                            "Questionnaire: %(agree)s of %(answers)s answers",
                            agree=said.agree,
                            answers=said.answers,
                        ),
                    ),
                ),
                (said.answers, said.agree, said.highest - 1, said.highest, *_numbers(said.wording)),
            )
        )
    return part


def _words(day: Day, voice: Voice) -> Part:
    agreed = Source("quote", day.ref, voice.gettext("Published with its author’s agreement"))
    return Part(
        "words",
        voice.gettext("In their own words"),
        [Line("", (agreed,), (), ref, place < QUOTES_CHOSEN) for place, ref in enumerate(day.quotes)],
    )


def _mixed(day: Day, voice: Voice, what: str) -> tuple[Sequence[str], Source]:
    """Territories or trades: those in the groups when a plan was published, else those of the description."""
    for plan in (day.workshops, day.angles):
        if plan is not None and getattr(plan, what):
            return getattr(plan, what), _planned(plan, voice)
    return getattr(day, what), _described(day, voice)


def _check_in(day: Day, voice: Voice) -> Source:
    return Source(
        "check-in",
        day.ref,
        voice.ngettext("Check-in: %(num)s person there", "Check-in: %(num)s people there", day.present),
    )


def _described(day: Day, voice: Voice) -> Source:
    return Source("gathering", day.ref, voice.gettext("Description of the gathering"))


def _planned(plan: Round, voice: Voice) -> Source:
    return Source(
        "plan",
        plan.ref,
        voice.ngettext(
            "Plan “%(name)s”: %(num)s group, %(people)s people",
            "Plan “%(name)s”: %(num)s groups, %(people)s people",
            plan.groups,
            name=plan.name,
            people=plan.people,
        ),
    )


def _written(said: Said, voice: Voice) -> Source:
    return Source("synthesis", said.ref, voice.gettext("Synthesis of the circle “%(angle)s”", angle=said.angle))


def _counted_topics(day: Day, voice: Voice) -> str:
    return voice.ngettext("%(num)s topic accepted", "%(num)s topics accepted", len(day.topics))


def _listed(names: Iterable[str], language: str) -> str:
    return format_list(list(names), locale=language)


def _quoted(text: str, language: str) -> str:
    return f"« {text} »" if language == "fr" else f"“{text}”"


def _sentence(text: str) -> str:
    text = one_line(text)
    return text if text[-1] in ".!?…" else f"{text}."


def _numbers(*texts: str) -> tuple[int, ...]:
    """Numbers somebody wrote in a title or a topic are its own evidence."""
    return tuple(number for text in texts for number in numbers_in(text))
