"""French typography: the right spaces, apostrophes and hours, set once on the way out."""

from __future__ import annotations

import re
from re import Match

FIXED, NARROW = "\u00a0", "\u202f"

_MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
# Each branch begins with one plain character, so that the search skips all others at the speed of C.
_TEXT = rf"""
'
| \u00a0 (?: (?=[»;!?]) | (?<=«\u00a0) )
| \  (?:
    (?= [»;?] | !(?!=) | %(?!\() )
  | (?<=«\ )
  | (?<=\d\ ) (?= (?:h|min|s|m|km|ko|Ko|Mo|Go|kB)\b (?!['’]) | € )
  | (?: (?<=\b\d\ ) | (?<=\b\d\d\ ) | (?<=\b\d\d\d\ ) ) (?= \d\d\d\b )
  | (?<=\d.h\ ) (?= \d\d\b )
  | (?P<fixed> (?= :(?![\w/()-]) ) | (?: (?<=\b\d\ ) | (?<=\b\d\d\ ) | (?<=\b1er\ ) ) (?= (?:{_MONTHS})\b ) )
  )
"""
_TAG = r"""
< (?:
    (?P<name>pre|textarea|code|script|style|kbd|samp)\b .*? </(?P=name)\s*>
  | option\b (?! [^>]* \bvalue\s*= ) [^>]* > [^<]*
  | !-- .*? -->
  | [a-zA-Z/!] [^>"']* (?: "[^"]*" [^>"']* | '[^']*' [^>"']* )* >
  | [a-zA-Z/!] [^>]* >
  )
"""
_IN_TEXT = re.compile(_TEXT, re.VERBOSE)
_IN_PAGE = re.compile(_TAG + "|" + _TEXT, re.VERBOSE | re.DOTALL)


def typo(text: str) -> str:
    """French plain text with its spaces and apostrophes set. Setting it twice changes nothing."""
    return _IN_TEXT.sub(_set, text)


def typo_page(page: str) -> str:
    """A French page with its text set, and only its text.

    Tags and their attributes, comments, and whatever stands in `pre`, `textarea`, `code`, `kbd`, `samp`, `script`,
    `style` or in an `option` without a value (its text is what the form sends) leave as they came. An
    apostrophe written as a character reference came from a person and stays as typed.
    """
    return _IN_PAGE.sub(_set, page)


def _set(found: Match[str]) -> str:
    first = found[0][0]
    if first == "<":
        return found[0]
    if first == "'":
        return "’"
    return FIXED if found.lastgroup == "fixed" else NARROW
