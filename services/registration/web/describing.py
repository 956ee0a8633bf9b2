"""Making and describing a gathering, opening and closing its door, and who organises it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen
from services.chassis.i18n import N_, language
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.registration import gatherings, teams
from services.registration.models import Gathering, Organiser
from services.registration.schemas.gatherings import GatheringForm
from services.registration.schemas.sign_ins import NewOrganiser
from services.registration.web.doors import attempt, guarded, links, see_other, signed_in

web = Blueprint("describing", __name__, url_prefix="/o")

ZONES = (
    "Europe/Paris", "Europe/Brussels", "Europe/Zurich", "Europe/Luxembourg", "Europe/London",
    "America/Guadeloupe", "America/Martinique", "America/Cayenne", "America/Miquelon", "America/Montreal",
    "Indian/Reunion", "Indian/Mayotte", "Pacific/Noumea", "Pacific/Tahiti", "Pacific/Wallis", "Africa/Dakar",
    "Africa/Tunis", "UTC",
)  # fmt: skip
# What the form calls the moments that the rules speak of.
FIELDS = {"starts_at": "date", "ends_at": "ends"}
KEPT = {
    90: N_("three months after the gathering"),
    180: N_("six months after the gathering"),
    365: N_("a year after the gathering"),
    730: N_("two years after the gathering"),
}


@web.get("/creer")
@reading
def before_creating(session: Session) -> ResponseReturnValue:
    owner = signed_in(session)
    if model := request.args.get("comme"):
        gathering, _by = guarded(session, model)
        return _form(Form(_written(gathering) | {"date": _template(owner)["date"], "version": 0}), None)
    return _form(Form(_template(owner)), None)


@web.post("/creer")
@transacted
def create(session: Session) -> ResponseReturnValue:
    owner = signed_in(session)
    like = guarded(session, request.args["comme"])[0] if request.args.get("comme") else None

    def deed(version: int, **wanted: Any) -> ResponseReturnValue:
        gathering = gatherings.create(session, like=like, by=owner, links=links(), now=now(), **wanted)
        tell(_("The gathering is made. It is a draft until you open registration."))
        return see_other(f"/o/{gathering.slug}")

    return attempt(Form(request.form), GatheringForm, _renamed(deed), lambda form: _form(form, None))


@web.get("/<slug>/modifier")
@reading
def before_changing(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    return _form(Form(_written(gathering)), gathering)


@web.post("/<slug>/modifier")
@transacted
def change(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)

    def deed(version: int, **wanted: Any) -> ResponseReturnValue:
        gatherings.change(session, gathering.id, version=version, by=by, links=links(), now=now(), **wanted)
        tell(_("The changes are saved."))
        return see_other(f"/o/{slug}")

    try:
        return attempt(Form(request.form), GatheringForm, _renamed(deed), lambda form: _form(form, gathering))
    except gatherings.ChangedMeanwhile as conflict:
        return _form(Form(request.form).refuse(conflict), gathering, theirs=_written(gathering)), 409


@web.post("/<slug>/ouvrir")
@transacted
def open_door(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    gatherings.open_door(session, gathering.id, by=by, links=links(), now=now())
    tell(_("Registration is open."))
    return see_other(f"/o/{slug}")


@web.post("/<slug>/fermer")
@transacted
def close_door(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    gatherings.close_door(session, gathering.id, by=by, links=links(), now=now())
    tell(_("Registration is closed. Everybody who has a seat keeps it."))
    return see_other(f"/o/{slug}")


@web.get("/<slug>/annuler")
@reading
def before_calling_off(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug, "owner")
    return render("registration/call_off.html", gathering=gathering)


@web.post("/<slug>/annuler")
@transacted
def call_off(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, "owner")
    gatherings.call_off(session, gathering.id, by=by, links=links(), now=now())
    tell(_("The gathering is cancelled. Everybody is being told."))
    return see_other(f"/o/{slug}")


@web.get("/<slug>/equipe")
@reading
def team(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    return _team(session, gathering, Form({"role": "organiser"}))


@web.post("/<slug>/equipe")
@transacted
def invite_organiser(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, "owner")

    def deed(email: str, name: str, role: str) -> ResponseReturnValue:
        wanted = {"email": email, "name": name, "role": role, "language": language()}
        teams.invite(session, gathering, **wanted, links=links(), by=by, now=now())
        tell(_("%(email)s is in the team, and receives a link to come in.", email=email))
        return see_other(f"/o/{slug}/equipe")

    return attempt(Form(request.form), NewOrganiser, deed, lambda form: _team(session, gathering, form))


@web.post("/<slug>/equipe/<uuid:role_id>/retirer")
@transacted
def revoke(session: Session, slug: str, role_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, "owner")
    teams.revoke(session, gathering.id, role_id, by=by, now=now())
    tell(_("The role is taken back."))
    return see_other(f"/o/{slug}/equipe")


def _team(session: Session, gathering: Gathering, form: Form) -> str:
    return render(
        "registration/team.html", gathering=gathering, team=teams.members(session, gathering.id), form=form
    )


def _form(form: Form, gathering: Gathering | None, *, theirs: dict[str, Any] | None = None) -> str:
    return render(
        "registration/gathering_form.html",
        form=form,
        gathering=gathering,
        zones=ZONES,
        theirs=theirs,
        kept=KEPT,
    )


def _renamed(deed: Any) -> Any:
    """The same deed, whose refusals name the fields of the form."""

    def done(**wanted: Any) -> ResponseReturnValue:
        try:
            answer: ResponseReturnValue = deed(**wanted)
        except Misshapen as error:
            raise Misshapen({FIELDS.get(field, field): said for field, said in error.errors.items()}) from error
        return answer

    return done


def _written(gathering: Gathering) -> dict[str, Any]:
    """A gathering as its form shows it."""
    zone = ZoneInfo(gathering.zone)
    starts, ends = gathering.starts_at.astimezone(zone), gathering.ends_at.astimezone(zone)
    names = (
        "title", "purpose", "zone", "place", "seats", "language", "writing", "organiser_name", "reply_to", "hold_h",
        "offer_h", "offers_stop_h", "keep_days",
    )  # fmt: skip
    return {
        **{name: getattr(gathering, name) for name in names},
        "date": starts.date().isoformat(),
        "starts": f"{starts:%H:%M}",
        "ends": f"{ends:%H:%M}",
        "territories": "\n".join(
            one["name"] if one["quota"] is None else f"{one['name']} ; {one['quota']}"
            for one in gathering.territories
        ),
        "trades": "\n".join(gathering.trades),
        "angles": "\n".join(one["name"] for one in gathering.angles),
        "version": gathering.version,
    }


def _template(owner: Organiser) -> dict[str, Any]:
    """A participatory day, half filled in: the day is in two months, the rest is to be made one's own."""
    return {
        "date": (now() + timedelta(days=60)).date().isoformat(),
        "starts": "09:30",
        "ends": "16:30",
        "zone": "Europe/Paris",
        "seats": 132,
        "hold_h": 48,
        "offer_h": 48,
        "offers_stop_h": 24,
        "language": language(),
        "writing": "epicene",
        "organiser_name": owner.name,
        "reply_to": owner.email,
        "purpose": _("Some of us tell a lived story. You listen with a question in mind. Then you work on a topic."),
        "trades": "\n".join((_("support"), _("technical supervision"), _("management"), _("partnership"))),
        "angles": "\n".join((
            _("Working together around the person"), _("Partnership day by day"), _("How our practice evolves"),
            _("The person's own place"), _("Time and rhythm"),
        )),
    }  # fmt: skip
