"""Programs come in as organisers do: by a link or a code in a letter."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from services.chassis import auth, i18n
from services.chassis.doorkeeper import KEYS, SIGN_INS, counted
from services.chassis.doors import Doors, to_anybody
from services.chassis.web import now, settings, transacted
from services.registration import sign_ins
from services.registration.api.doors import links
from services.registration.schemas.sign_ins import SignInRequest, TokenExchange, TokenView

HOURS_12_S = 12 * 3600

api = Doors("sign-ins", __name__, url_prefix="/api/registration", description=__doc__)


@api.post("/sign-ins")
@to_anybody
@counted(SIGN_INS)
@api.arguments(SignInRequest)
@transacted
@api.response(202)
def ask(session: Session, wanted: dict[str, Any]) -> None:
    """Ask for a letter with a way in; the answer is the same for every address."""
    sign_ins.ask(session, **wanted, language=i18n.language(), links=links(), now=now())


@api.post("/tokens")
@to_anybody
@counted(KEYS)
@api.arguments(TokenExchange)
@transacted
@api.response(201, TokenView)
@api.alt_response(410, "GONE")
def exchange(session: Session, wanted: dict[str, Any]) -> dict[str, Any]:
    """Exchange the token of a sign-in link, once, for a bearer token of twelve hours."""
    organiser = sign_ins.use(session, wanted["token"], now=now())
    who = auth.Actor("organiser", organiser.id, organiser.email, organiser.name or None)
    return {"token": auth.issue(settings(), who, HOURS_12_S), "expires_in": HOURS_12_S}
