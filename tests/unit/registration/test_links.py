"""What becomes of letters already sent when the house changes its secret key."""

from __future__ import annotations

from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import cancellations, registrations, sign_ins, telling
from services.registration.events import AddressToConfirm
from services.registration.links import Links
from services.registration.models import Participant
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import LINKS

ROTATED = Links(LINKS.public_url, "t" * 32, (LINKS.secret,))
FORGOTTEN = Links(LINKS.public_url, "t" * 32)


def last_link(database):
    """The personal link of the letter told of last."""
    with database.reading() as session:
        bodies = session.scalars(select(outbox.c.body).order_by(outbox.c.sequence.desc()))
        return next(body["link"] for body in bodies if body.get("link"))


def whose(database, link):
    with database.reading() as session:
        return registrations.by_token(session, link.rpartition("/")[2]).given


def test_a_new_letter_to_somebody_known_carries_the_link_they_have(registration, a_gathering, come, act):
    ada = come(a_gathering())

    act(cancellations.cancel, ada, by=None, links=ROTATED)

    assert last_link(registration) == LINKS.mine(ada)
    assert whose(registration, last_link(registration)) == "Ada"


def test_a_newcomer_has_a_link_of_the_new_key(registration, a_gathering, ask, act):
    gathering = a_gathering()

    bo = ask(gathering, "Bo", links=ROTATED).participant_id

    assert last_link(registration) == FORGOTTEN.mine(bo)
    assert whose(registration, last_link(registration)) == "Bo"


def test_who_asks_again_after_the_key_has_changed_keeps_their_link(registration, a_gathering, come, ask, act):
    gathering = a_gathering()
    ada = come(gathering)
    act(cancellations.cancel, ada, by=None)

    ask(gathering, "Ada", links=ROTATED)

    assert last_link(registration) == LINKS.mine(ada)
    assert whose(registration, LINKS.mine(ada)) == "Ada"


def test_a_code_already_sent_confirms_after_the_key_has_changed(registration, a_gathering, ask, act, state):
    ada = ask(a_gathering()).participant_id
    with registration.reading() as session:
        code = LINKS.code(ada, session.get_one(Participant, ada).deadline_at)

    assert act(registrations.confirm_by_code, ada, code=code, links=FORGOTTEN) is None
    assert act(registrations.confirm_by_code, ada, code=code, links=ROTATED).id == ada
    assert state(ada) == "registered"


def test_a_sign_in_code_already_sent_opens_after_the_key_has_changed(registration, odile, act):
    act(sign_ins.ask, email=odile.email, language="fr")
    with registration.reading() as session:
        code = next(
            body["code"]
            for body in session.scalars(select(outbox.c.body).order_by(outbox.c.sequence.desc()))
            if "code" in body
        )

    assert act(sign_ins.use_code, email=odile.email, code=code, links=FORGOTTEN) is None
    assert act(sign_ins.use_code, email=odile.email, code=code, links=ROTATED).id == odile.id


def test_a_fact_told_again_carries_the_link_that_was_sent(registration, a_gathering, come):
    ada = come(a_gathering())
    settings = some_settings(
        public_url=LINKS.public_url, secret_key="t" * 32, secret_key_before=(LINKS.secret,)
    )

    with registration.reading() as session:
        told = telling.remind(session, settings, AddressToConfirm, {"participant_id": str(ada), "link": ""})

    assert told["link"] == LINKS.mine(ada)
