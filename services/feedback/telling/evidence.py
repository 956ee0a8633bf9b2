"""Lines and their evidence: what carries a sentence, and whether the sentence still agrees with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from typing import Any

# Two sentences this alike are one sentence reworded; found by trying on edited accounts.
ALIKE = 0.55


@dataclass(frozen=True)
class Source:
    """Where a line comes from: `kind` and `ref` lead to the row, `says` is the evidence in words."""

    kind: str
    ref: str
    says: str


@dataclass(frozen=True)
class Line:
    """One sentence, modality, question or figure, what carries it, and the numbers it may speak of.

    A quote is a line without text, whose words are looked up each time they are shown;
    `chosen` tells whether it is to be in the account.
    """

    text: str
    sources: tuple[Source, ...] = ()
    figures: tuple[int, ...] = ()
    quote: str = ""
    chosen: bool = True

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


def line_of(row: dict[str, Any]) -> Line:
    """A line as it was kept in a row of the database."""
    return Line(
        text=row["text"],
        sources=tuple(Source(**source) for source in row["sources"]),
        figures=tuple(row["figures"]),
        quote=row["quote"],
        chosen=row["chosen"],
    )


@dataclass
class Doubt:
    """Why a line cannot be taken as proven: no evidence at all, or numbers its evidence does not know."""

    bare: bool = False
    unknown: list[int] = field(default_factory=list)


def doubt_of(line: Line) -> Doubt | None:
    """What an organiser should check before publishing, or None when the line stands on its evidence."""
    if line.quote:
        return None
    if not line.sources:
        return Doubt(bare=True)
    unknown = [number for number in numbers_in(line.text) if number not in line.figures]
    return Doubt(unknown=unknown) if unknown else None


def one_line(text: str) -> str:
    """The text on one line; blanks that hold words together stay what they are, unlike in `str.split`."""
    return re.sub(r"[ \t\r\n\f\v]+", " ", text).strip(" ")


def numbers_in(text: str) -> list[int]:
    """The whole numbers written in digits, thousands parted as printed or not; "9 h 30" holds two."""
    joined = re.sub(r"(?<=\d)[\u00a0\u202f\u2009,](?=\d{3}\b)", "", text)
    return [int(digits) for digits in re.findall(r"\d+", joined) if len(digits) < 10]


def reworded(old: Sequence[Line], texts: Sequence[str]) -> list[Line]:
    """The edited sentences, each with the evidence of the sentence it comes from.

    A sentence that is like none of the old ones has no evidence. Each old line serves one new sentence at
    most, and exact matches are served first.
    """
    left = list(old)
    found: dict[int, Line] = {}
    for place, text in enumerate(texts):
        same = next((line for line in left if line.text == text), None)
        if same is not None:
            left.remove(same)
            found[place] = same
    for place, text in enumerate(texts):
        if place in found:
            continue
        nearest = max(left, key=lambda line: _likeness(line.text, text), default=None)
        if nearest is not None and _likeness(nearest.text, text) >= ALIKE:
            left.remove(nearest)
            found[place] = Line(text, nearest.sources, nearest.figures)
        else:
            found[place] = Line(text)
    return [found[place] for place in range(len(texts))]


def _likeness(old: str, new: str) -> float:
    return SequenceMatcher(None, old.casefold(), new.casefold(), autojunk=False).ratio()
