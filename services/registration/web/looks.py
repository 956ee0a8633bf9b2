"""The public page as it was made last, for as long as everything it says is still so.

Many look, few register. What the page says is asked of the database at each look, as ever; it is only not put into
words and set anew while nothing of it is other. What is each visitor's own, the form's token and key, is set in each
time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from uuid import uuid4

from flask import Response, g, request, session
from flask_wtf.csrf import generate_csrf

from services.chassis import auth, i18n
from services.chassis.pages import typeset

# Pages of some 25 kB in one process.
_KEPT = 60
# Where what is the visitor's own stands in a kept page: signs that nobody can type into one.
_TOKEN, _KEY = "\x00token\x00", "\x00key\x00"
_ONCE = re.compile(r'(?<=name="once" value=")[0-9a-f]{32}(?=")')


class Looks:
    """Pages by what they say."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, str] = {}

    def page(self, says: Hashable, make: Callable[[], str]) -> Response | str:
        """The page that says `says`, made by `make` when it is not kept."""
        if not _is_anybodys():
            return make()
        about = (i18n.language(), says)
        kept = self._pages.get(about)
        if kept is None:
            made = typeset(make())
            kept = _ONCE.sub(_KEY, made.replace(generate_csrf(), _TOKEN))
            if len(self._pages) >= _KEPT:
                self._pages.clear()
            self._pages[about] = kept
        g.is_typeset = True
        return kept.replace(_TOKEN, generate_csrf()).replace(_KEY, uuid4().hex)


def _is_anybodys() -> bool:
    """Whether the page would be the same for anybody else: no invitation, nobody signed in, nothing to be told."""
    return not request.args and auth.ORGANISER_COOKIE not in request.cookies and "_flashes" not in session
