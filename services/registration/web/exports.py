"""The people of a gathering as files to take away."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, send_file, stream_with_context
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis.i18n import gettext as _
from services.chassis.i18n import language
from services.chassis.web import database, reading
from services.registration import exports
from services.registration.asking.answers import in_words
from services.registration.models import Gathering
from services.registration.web import words
from services.registration.web.doors import guarded

web = Blueprint("exports", __name__, url_prefix="/o/<slug>")

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@web.get("/personnes.csv")
@reading
def as_csv(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)

    def written() -> Iterator[str]:
        # The door's session is closed by the time the first part is asked for.
        with database().reading() as own:
            yield from exports.as_csv(_headings(gathering), _rows(own, gathering))

    headers = {"Content-Disposition": f'attachment; filename="{gathering.slug}.csv"'}
    return Response(stream_with_context(written()), mimetype="text/csv", headers=headers)


@web.get("/personnes.xlsx")
@reading
def as_workbook(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    file = exports.as_workbook(_headings(gathering), _rows(session, gathering))
    return send_file(file, mimetype=_XLSX, as_attachment=True, download_name=_named(gathering))


def _named(gathering: Gathering) -> str:
    return f"{gathering.slug}.xlsx"


def _headings(gathering: Gathering) -> list[str]:
    asked = [
        _("%(question)s (asked no more)", question=words) if one.removed_at else words
        for one in exports.asked(gathering)
        for words in [in_words(one.wording, language())]
    ]
    return [_(name) for name in exports.HEADINGS] + asked


def _rows(session: Session, gathering: Gathering) -> Iterator[tuple[str, ...]]:
    return exports.rows(session, gathering.id, _state, language=language(), say=_)


def _state(state: str) -> str:
    return _(words.STATES[state][0])
