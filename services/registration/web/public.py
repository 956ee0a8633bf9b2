"""The public page of a gathering, and asking for a seat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer
from marshmallow import ValidationError
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from services.chassis import auth
from services.chassis.catalogues import N_
from services.chassis.doorkeeper import CODES, LETTERS, REGISTRATIONS, counted
from services.chassis.errors import Forbidden, Misshapen, NotFound
from services.chassis.i18n import gettext as _
from services.chassis.i18n import language
from services.chassis.pages import Form, render
from services.chassis.web import now, reading, settings, transacted
from services.registration import (
    addresses,
    gatherings,
    invitations,
    newcomers,
    participants,
    parties,
    registrations,
    waiting_list,
)
from services.registration.asking import answers as asking
from services.registration.models import Gathering, Invitation
from services.registration.schemas.people import NewRegistration, PartyForm
from services.registration.schemas.sign_ins import Code, SignInRequest
from services.registration.seats import Room
from services.registration.web import crowds
from services.registration.web.asked import refuse_answers, typed
from services.registration.web.doors import attempt, links, see_other
from services.registration.web.looks import Looks

web = Blueprint("public", __name__)

# The longest answer to a question, and a little more to show that it was too long.
SHOWN = asking.LONG + 100


@web.get("/r/<slug>")
@reading
def page(session: Session, slug: str) -> ResponseReturnValue:
    gathering = _as_it_is(session, slug)
    token = request.args.get("i", "")
    invitation = invitations.by_token(session, gathering.id, token) if token else None
    room = waiting_list.count(session, gathering).room
    is_over = now() >= gathering.ends_at

    def make() -> str:
        return render(
            "registration/public.html",
            gathering=gathering,
            form=Form(_known_of(invitation)),
            invitation=token if invitation else "",
            meant=None,
            room=room,
            **_choices(gathering, room),
        )

    # The version stands for all that is said of the gathering itself.
    said = (gathering.id, gathering.version, is_over, tuple(sorted(room.held.items())))
    looks: Looks = current_app.extensions["looks"]
    return looks.page(said, make)


@web.post("/r/<slug>/inscription")
@counted(REGISTRATIONS)
def ask(slug: str) -> ResponseReturnValue:
    """Most people ask among others, in one transaction; whatever is unusual about a request is met alone."""
    return _ask_among_others(slug) or _alone(slug)


def _ask_among_others(slug: str) -> Response | None:
    gathering = crowds.here().known(slug)
    if gathering is None or gathering.state != "open" or now() >= gathering.ends_at:
        return None
    form = Form(request.form)
    wanted, _meant = _read(gathering, form)
    if form.errors:
        return None
    wish = newcomers.Wish(**_said(gathering, form, wanted), trace=g.trace)
    return crowds.here().ask(gathering, wish)


def _ask_alone(session: Session, slug: str) -> ResponseReturnValue:
    gathering = _open_to_all(session, slug)
    form = Form(request.form)
    wanted, meant = _read(gathering, form)
    if form.errors:
        return _again(session, gathering, form, meant=meant), 422
    wanted = _said(gathering, form, wanted)
    try:
        answer = newcomers.ask(session, gathering.id, **wanted, links=links(), now=now())
    except Misshapen as error:
        return _again(session, gathering, form.refuse(error)), 422
    return _answered(gathering, answer)


_alone = cast(Callable[[str], ResponseReturnValue], transacted(_ask_alone))


def _said(gathering: Gathering, form: Form, wanted: dict[str, Any]) -> dict[str, Any]:
    spoken = request.form.get("language") or language()
    return {**wanted, "language": spoken, "answers": typed(gathering, form)}


def _answered(gathering: Gathering, answer: newcomers.Answer) -> Response:
    return make_response(see_other(f"/r/{gathering.slug}/ensuite?t={_sealed(answer)}"))


def install(app: Flask) -> None:
    """Give the app its crowd of people who ask, and the public pages it has made."""
    crowds.install(app, _answered)
    app.extensions["looks"] = Looks()


@web.get("/r/<slug>/lien")
@reading
def before_asking_for_a_link(session: Session, slug: str) -> ResponseReturnValue:
    return render("registration/lost_link.html", gathering=_open_to_all(session, slug), form=Form(), sent_to="")


@web.post("/r/<slug>/lien")
@counted(LETTERS)
@transacted
def send_links(session: Session, slug: str) -> ResponseReturnValue:
    gathering = _open_to_all(session, slug)

    def deed(email: str) -> ResponseReturnValue:
        registrations.send_links(session, gathering.id, email=email, links=links(), now=now())
        return render("registration/lost_link.html", gathering=gathering, form=Form(), sent_to=email)

    def again(form: Form) -> str:
        return render("registration/lost_link.html", gathering=gathering, form=form, sent_to="")

    return attempt(Form(request.form), SignInRequest, deed, again)


@web.get("/r/<slug>/ensemble")
@reading
def before_asking_together(session: Session, slug: str) -> ResponseReturnValue:
    return _together(session, _open_to_all(session, slug), Form())


@web.post("/r/<slug>/ensemble")
@counted(REGISTRATIONS)
@transacted
def ask_together(session: Session, slug: str) -> ResponseReturnValue:
    gathering = _open_to_all(session, slug)

    def deed(**wanted: Any) -> ResponseReturnValue:
        said = {**wanted, "language": language()}
        asked = parties.ask(session, gathering.id, **said, links=links(), now=now())
        return _together(session, gathering, Form(), asked=asked)

    def again(form: Form) -> str:
        form.given = {name: text[:8000] for name, text in form.given.items()}
        lines = [name.partition(".")[2] for name in form.errors if name.startswith("people.")]
        if lines:
            said = _("Line %(lines)s: write a name, then “;”, then an e-mail address.", lines=", ".join(lines))
            form.errors = {"people": [said]}
        return _together(session, gathering, form)

    return attempt(Form(request.form), PartyForm, deed, again)


@web.get("/r/<slug>/ensuite")
@reading
def what_next(session: Session, slug: str) -> ResponseReturnValue:
    return _what_next(session, slug, request.args.get("t", ""), Form())


@web.post("/r/<slug>/code")
@counted(CODES)
@transacted
def confirm_by_code(session: Session, slug: str) -> ResponseReturnValue:
    ticket = request.form.get("t", "")
    form = Form(request.form)
    try:
        code = form.read(Code)["code"]
    except ValidationError as error:
        return _what_next(session, slug, ticket, form.refuse(error)), 422
    participant = registrations.confirm_by_code(
        session, UUID(_unsealed(ticket)["who"]), code=code, links=links(), now=now()
    )
    if participant is None:
        # Answered as done, so that the number of tries is kept.
        form.errors["code"] = [_(_WRONG_CODE)]
        return _what_next(session, slug, ticket, form)
    return see_other(f"/moi/{links().participant_token(participant.id, participant.token_hash)}")


_MEANT = N_("Did you mean %(address)s? If not, send the form again as it is.")
_WRONG_CODE = N_("This code is not right. After five tries, use the button of the letter.")


def _as_it_is(session: Session, slug: str) -> Gathering:
    """The gathering, to be read only: out of memory while its version is the same. Raises NotFound."""
    return _not_a_draft(session, crowds.here().current(session, slug))


def _open_to_all(session: Session, slug: str) -> Gathering:
    """A draft is for its organisers only. Raises NotFound."""
    return _not_a_draft(session, gatherings.by_slug(session, slug))


def _not_a_draft(session: Session, gathering: Gathering) -> Gathering:
    if gathering.state == "draft":
        try:
            auth.require(session, gathering.id)
        except Forbidden as error:
            raise NotFound("There is no gathering at this address.") from error
    return gathering


def _read(gathering: Gathering, form: Form) -> tuple[dict[str, Any], str | None]:
    """What was asked for, and the address that was probably meant; `form.errors` says at once all that is wrong."""
    wanted: dict[str, Any] = {}
    try:
        wanted = form.read(NewRegistration)
    except ValidationError as error:
        form.refuse(error)
    typed = {name: str(form.value(name)).strip() for name in ("territory", "trade", "email")}
    try:
        newcomers.check_place(gathering, territory=typed["territory"], trade=typed["trade"])
    except Misshapen as error:
        form.refuse(error)
    refuse_answers(gathering, form)
    if "email" in form.errors:
        return wanted, None
    email = wanted.get("email") or addresses.read(typed["email"])
    meant = addresses.meant(email)
    if meant is None or form.value("email_checked") == email:
        return wanted, None
    form.given = MultiDict(form.given)
    form.given["email_checked"] = email
    form.errors["email"] = [_(_MEANT, address=meant)]
    return wanted, meant


def _again(session: Session, gathering: Gathering, form: Form, *, meant: str | None = None) -> str:
    """The form alone, with what was typed and what is wrong with it."""
    # Half a megabyte of pasted text is not sent back to where it came from.
    form.given = MultiDict((name, text[:SHOWN]) for name, text in MultiDict(form.given).items(multi=True))
    room = waiting_list.count(session, gathering).room
    return render(
        "registration/public_form.html",
        gathering=gathering,
        form=form,
        invitation=form.value("invitation"),
        meant=meant,
        room=room,
        **_choices(gathering, room),
    )


def _together(
    session: Session, gathering: Gathering, form: Form, *, asked: Sequence[parties.Asked] = ()
) -> str:
    room = waiting_list.count(session, gathering).room
    return render(
        "registration/party.html",
        gathering=gathering,
        form=form,
        asked=asked,
        room=room,
        **_choices(gathering, room),
    )


def _choices(gathering: Gathering, room: Room) -> dict[str, Any]:
    full = {one["letter"] for one in gathering.territories if room.refusal(one["letter"]) == "quota"}
    return {"full": full, "is_over": now() >= gathering.ends_at}


def _known_of(invitation: Invitation | None) -> dict[str, str]:
    if invitation is None:
        return {}
    names = ("given", "family", "email", "territory", "trade", "structure")
    return {name: getattr(invitation, name) for name in names}


def _what_next(session: Session, slug: str, ticket: str, form: Form) -> str:
    gathering, told = crowds.here().current(session, slug), _unsealed(ticket)
    return render(
        "registration/what_next.html",
        gathering=gathering,
        form=form,
        ticket=ticket,
        told=told,
        # The address stays out of the ticket, which is part of an address that logs may keep.
        email=participants.address(session, gathering.id, UUID(told["who"])),
    )


def _seal() -> URLSafeSerializer:
    # The last one signs; those before are read.
    keys = [*settings().secret_key_before, str(current_app.secret_key or "")]
    return URLSafeSerializer(keys, salt="what-next")


def _sealed(answer: newcomers.Answer) -> str:
    until = answer.held_until.isoformat() if answer.held_until else None
    said = {"who": str(answer.participant_id), "outcome": answer.outcome, "until": until}
    ticket: str = _seal().dumps({**said, "rank": answer.rank, "reason": answer.reason})
    return ticket


def _unsealed(ticket: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = _seal().loads(ticket)
    except BadSignature as error:
        raise NotFound("This page is only shown after you have asked for a seat.") from error
    return said
