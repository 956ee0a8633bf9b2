"""One source, two twins: the text of a letter, and the same letter in HTML.

A letter is written as plain text. Blank lines part its paragraphs; lines that begin with "- " are a list; lines set
in by two spaces are a quotation; a line that ends with a colon, followed by a line that is only a link, becomes a
button. What readers of text see is that text itself, so neither twin can say what the other does not.

Values (names, titles, links) are put in after the structure is read: they can neither make a heading nor a link.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

OPEN, SHUT = "\ue000", "\ue001"
_SLOT = re.compile(f"{OPEN}(\\d+){SHUT}")
_BLANK = re.compile(r"\n[ \t]*\n+")
_LINK = re.compile(rf"(?:https?://\S+|{OPEN}\d+{SHUT})\Z")
WIDTH = 72


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, quote or button; a button's lines are its label, its link and its colon as typed."""

    shape: str
    lines: tuple[str, ...]


def slot(index: int) -> str:
    """The mark that stands for value number `index` until the structure is read."""
    return f"{OPEN}{index}{SHUT}"


def blocks(source: str, values: Sequence[str] = ()) -> list[Block]:
    """The structure of a letter's text."""
    found = []
    for piece in _BLANK.split(source.replace("\r\n", "\n").strip("\n")):
        lines = [line.rstrip() for line in piece.split("\n") if line.strip()]
        if lines:
            found.append(_block(lines, values))
    return found


def text(found: Sequence[Block], values: Sequence[str] = ()) -> str:
    """The text twin, at most 72 characters a line (links stay whole)."""
    fill = _filler(values, str)
    parts = []
    for block in found:
        if block.shape == "button":
            label, link, colon = block.lines
            parts.append(f"{fill(label)}{colon}\n{fill(link)}")
        elif block.shape == "list":
            parts.append("\n".join(_wrapped(fill(line), "- ", "  ") for line in block.lines))
        elif block.shape == "quote":
            parts.append("\n".join(_wrapped(fill(line), "  ", "  ") for line in block.lines))
        else:
            parts.append(_wrapped(fill(" ".join(block.lines)), "", ""))
    return "\n\n".join(parts) + "\n"


def html(found: Sequence[Block], values: Sequence[str] = ()) -> list[tuple[str, list[Markup]]]:
    """The blocks with their lines ready for the HTML shell: every value escaped, a button's link only if it is one."""
    fill = _filler(values, _escaped)
    return [(block.shape, [Markup(fill(str(escape(line)))) for line in block.lines]) for block in found]  # noqa: S704


def subject(line: str, values: Sequence[str] = ()) -> str:
    """The subject line with its values."""
    return _filler(values, str)(line)


def _block(lines: list[str], values: Sequence[str]) -> Block:
    if len(lines) == 2 and lines[0].endswith(":") and _is_link(lines[1].strip(), values):
        label = lines[0][:-1].rstrip()
        return Block("button", (label, lines[1].strip(), lines[0][len(label) :]))
    if lines[0].startswith("- "):
        return Block("list", _items(lines))
    if all(line.startswith("  ") for line in lines):
        return Block("quote", (" ".join(line.strip() for line in lines),))
    return Block("paragraph", tuple(line.strip() for line in lines))


def _items(lines: list[str]) -> tuple[str, ...]:
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line[2:].strip())
        else:
            items[-1] += " " + line.strip()
    return tuple(items)


def _is_link(line: str, values: Sequence[str]) -> bool:
    if not _LINK.match(line):
        return False
    mark = _SLOT.fullmatch(line)
    return mark is None or values[int(mark[1])].startswith(("http://", "https://"))


def _filler(values: Sequence[str], make: Callable[[str], str]) -> Callable[[str], str]:
    return lambda line: _SLOT.sub(lambda mark: make(values[int(mark[1])]), line)


def _escaped(value: str) -> str:
    return str(escape(value))


def _wrapped(line: str, first: str, rest: str) -> str:
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
