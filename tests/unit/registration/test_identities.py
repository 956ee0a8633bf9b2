"""Who comes in with an account elsewhere; what the provider said is taken as said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services.chassis.db import outbox
from services.chassis.errors import NotFound
from services.registration import identities, sign_ins
from services.registration.identities import IdentityRefused, Letter, Told
from services.registration.models import Base, Deed, Identity
from tests.unit.registration.conftest import NOON

LETTER = Letter("https://palabre.example/compte", "fr")
TOLD = Told("https://accounts.example", "248289761001", "Comptes", "odile@example.org", is_verified=True)


@pytest.fixture
def registration(open_database):
    return open_database(Base.metadata, "registration")


@pytest.fixture
def use(registration, odile):
    def using(told=TOLD, now=NOON):
        with registration.transaction() as session:
            return identities.use(session, told, LETTER, now=now).email

    return using


def rows(database, model):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_an_address_that_the_provider_vouches_for_opens_the_door_to_its_organiser(use):
    assert use() == "odile@example.org"


def test_addresses_compare_as_everywhere_whatever_their_case(use):
    assert use(replace(TOLD, email="Odile@Example.ORG")) == "odile@example.org"


def test_a_bound_account_opens_the_door_whatever_its_address_has_become(use, registration):
    use()

    assert use(replace(TOLD, email="o.martin@elsewhere.example", is_verified=False)) == "odile@example.org"
    assert use(replace(TOLD, email="")) == "odile@example.org"
    assert rows(registration, Identity) == 1


@pytest.mark.parametrize(
    "told, says",
    [
        (replace(TOLD, is_verified=False), "has not verified"),
        (replace(TOLD, email=""), "did not tell us"),
        (replace(TOLD, email="nobody@example.org"), "Nobody organises here"),
        (replace(TOLD, email="not an address"), "Nobody organises here"),
    ],
)
def test_nobody_comes_in_by_an_address_that_proves_nothing(use, registration, told, says):
    with pytest.raises(IdentityRefused, match=says):
        use(told)
    assert (rows(registration, Identity), rows(registration, outbox)) == (0, 0)


def test_an_address_that_passed_to_another_person_there_does_not_open_the_first_ones_door(use):
    use()

    with pytest.raises(IdentityRefused, match="Another account"):
        use(replace(TOLD, subject="another"))


def test_the_same_subject_of_another_provider_is_another_person(use):
    use()

    with pytest.raises(IdentityRefused):
        use(replace(TOLD, issuer="https://else.example", email="malik@example.org"))


def test_the_owner_is_written_to_the_first_time_and_only_then(use, registration, odile):
    use()
    use(now=NOON + timedelta(days=1))

    with registration.reading() as session:
        (said,) = session.scalars(select(outbox.c.body).where(outbox.c.type.contains("identity_bound")))
        (bound,) = identities.of_organiser(session, odile.id)
    assert said == {
        "identity_id": str(bound.id), "organiser_id": str(odile.id), "email": "odile@example.org", "name": "Odile",
        "provider": "Comptes", "account": "odile@example.org", "link": LETTER.link, "language": "fr",
    }  # fmt: skip
    assert bound.used_at == NOON + timedelta(days=1)


def test_every_time_somebody_comes_in_is_written_down(use, registration, odile):
    use()
    use()

    with registration.reading() as session:
        deeds = session.scalars(select(Deed.deed).where(Deed.by == odile.id).order_by(Deed.at)).all()
    assert sorted(deeds) == ["identity bound", "signed in", "signed in"]


def test_an_organiser_who_is_in_binds_an_account_of_any_address(registration, odile, use):
    own = replace(TOLD, email="odile@at-home.example", is_verified=False)
    with registration.transaction() as session:
        identities.add(session, odile, own, LETTER, now=NOON)
    with registration.transaction() as session:
        identities.add(session, odile, own, LETTER, now=NOON)

    assert use(own) == "odile@example.org"
    assert rows(registration, Identity) == 1


def test_an_account_opens_one_door_only(registration, use):
    use()
    with registration.transaction() as session:
        malik = sign_ins.welcome(session, "malik@example.org", now=NOON)

    with pytest.raises(IdentityRefused, match="another organiser"), registration.transaction() as session:
        identities.add(session, malik, TOLD, LETTER, now=NOON)


def test_a_removed_account_is_bound_anew_only_by_its_address(registration, odile, use):
    with registration.transaction() as session:
        own = identities.add(session, odile, replace(TOLD, is_verified=False), LETTER, now=NOON)
    with registration.transaction() as session:
        identities.remove(session, odile.id, own.id, now=NOON)

    with pytest.raises(IdentityRefused, match="has not verified"):
        use(replace(TOLD, is_verified=False))


def test_nobody_removes_anothers_account(registration, odile, use):
    use()
    with registration.transaction() as session:
        malik = sign_ins.welcome(session, "malik@example.org", now=NOON)
        (bound,) = identities.of_organiser(session, odile.id)

    with pytest.raises(NotFound), registration.transaction() as session:
        identities.remove(session, malik.id, bound.id, now=NOON)
    assert rows(registration, Identity) == 1
