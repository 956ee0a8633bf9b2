"""The account as Markdown, for whoever wants to take it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.feedback.telling.evidence import one_line


@dataclass(frozen=True)
class Shown:
    """A paragraph ready to be read: quotes are words by now, and withdrawn ones are gone."""

    kind: str
    heading: str
    texts: list[str]


def markdown(title: str, parts: Iterable[Shown], *, note: str = "") -> str:
    """The whole account; what people typed is escaped, so that it stays text. Ends with a newline."""
    blocks = [f"# {escaped(title)}"]
    for part in parts:
        if part.heading:
            blocks.append(f"{'###' if part.kind == 'angle' else '##'} {escaped(part.heading)}")
        texts = [escaped(text) for text in part.texts]
        if part.kind == "text":
            blocks.append(" ".join(texts))
        elif part.kind == "words":
            blocks += [f"> {text}" for text in texts]
        elif part.kind == "angle":
            blocks.append("\n".join(f"{place}. {text}" for place, text in enumerate(texts, 1)))
        else:
            blocks.append("\n".join(f"- {text}" for text in texts))
    if note:
        blocks.append(f"*{escaped(note)}*")
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """One line of text in which nothing is Markdown or HTML any more."""
    flat = re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", one_line(text))
    return re.sub(r"^(#{1,6}|[-+]|\d+[.)])(?=\s|$)", lambda sign: _guarded(sign.group(1)), flat)


def _guarded(sign: str) -> str:
    return f"\\{sign}" if not sign[0].isdigit() else f"{sign[:-1]}\\{sign[-1]}"
