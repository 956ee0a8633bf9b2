from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from services.chassis.db import outbox
from services.chassis.errors import NotFound, Refused
from services.registration import challenges, passkeys, sign_ins
from services.registration.models import Challenge, Deed, Passkey
from services.registration.passkeys import Site
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import NOON
from tests.unit.registration.keys import PRESENT, SYNCED, VERIFIED, Key

SITE = Site("palabre.example", "https://palabre.example")


@pytest.fixture
def add(registration, odile):
    """Odile adds a passkey; a refusal commits too, as the door does."""

    def adding(key, *, name="Phone", site=SITE, answer=None, by=odile, offered=NOON, now=NOON):
        with registration.transaction() as session:
            options = passkeys.offer(session, by, SITE, now=offered)
        return told(registration, passkeys.add, odile, answer or key.make(options), site, name=name, language="en",
                    link="https://palabre.example/compte", now=now)  # fmt: skip

    return adding


@pytest.fixture
def ask(registration):
    def asking(now=NOON):
        with registration.transaction() as session:
            return passkeys.ask(session, SITE, now=now)

    return asking


@pytest.fixture
def use(registration):
    def using(answer, *, site=SITE, now=NOON):
        return told(registration, passkeys.use, answer, site, now=now).email

    return using


def told(database, what, *args, **kwargs):
    refusal = None
    with database.transaction() as session:
        try:
            return what(session, *args, **kwargs)
        except Refused as refused:
            refusal = refused
    raise refusal


def count(database, model):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_a_passkey_opens_the_door_without_naming_its_owner(add, ask, use):
    key = Key()
    add(key)

    assert use(key.use(ask())) == "odile@example.org"


def test_the_owner_of_a_new_passkey_is_written_to(add, registration, odile):
    passkey = add(Key(), name="Phone")

    with registration.reading() as session:
        said = session.scalar(select(outbox.c.body).where(outbox.c.type.contains("passkey_added")))
    assert said == {
        "passkey_id": str(passkey.id), "organiser_id": str(odile.id), "email": "odile@example.org",
        "name": "Odile", "passkey": "Phone", "link": "https://palabre.example/compte", "language": "en",
    }  # fmt: skip


def test_each_of_several_passkeys_opens_the_door(add, ask, use, registration, odile):
    phone, computer = Key(), Key()
    add(phone, name="Phone")
    add(computer, name="Computer", now=NOON + timedelta(seconds=1))

    assert [use(key.use(ask())) for key in (computer, phone)] == ["odile@example.org"] * 2
    with registration.reading() as session:
        assert [one.name for one in passkeys.of_organiser(session, odile.id)] == ["Phone", "Computer"]


def test_a_browser_is_told_which_passkeys_it_has_already(add, registration, odile):
    key = Key()
    add(key)

    with registration.transaction() as session:
        options = passkeys.offer(session, odile, SITE, now=NOON)
    assert [base64url_to_bytes(one["id"]) for one in options["excludeCredentials"]] == [key.id]


def test_a_key_of_the_device_is_asked_for_with_its_owner_verified_where_the_device_can(
    registration, odile, ask
):
    with registration.transaction() as session:
        made = passkeys.offer(session, odile, SITE, now=NOON)

    wanted = made["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "preferred")
    assert (ask()["userVerification"], ask()["allowCredentials"]) == ("preferred", [])


def test_a_key_that_verifies_nobody_opens_the_door_too(add, ask, use):
    key = Key(flags=PRESENT)
    add(key)

    assert use(key.use(ask())) == "odile@example.org"


def test_a_key_whose_owner_is_absent_opens_nothing(add, ask, use):
    key = Key()
    add(key)
    key.flags = VERIFIED

    with pytest.raises(passkeys.PasskeyRefused):
        use(key.use(ask()))


def test_an_answer_opens_the_door_once(add, ask, use):
    key = Key(counts=False)
    add(key)
    answer = key.use(ask())
    use(answer)

    with pytest.raises(passkeys.PasskeyRefused, match="sent twice"):
        use(answer)


def test_a_refused_answer_spends_its_challenge(add, ask, use):
    key = Key()
    add(key)
    options, origin = ask(), key.origin
    key.origin = "https://palabre.example.evil"
    with pytest.raises(passkeys.PasskeyRefused, match="could not be checked"):
        use(key.use(options))
    key.origin = origin

    with pytest.raises(passkeys.PasskeyRefused, match="sent twice"):
        use(key.use(options))


def test_an_answer_after_five_minutes_is_too_late(add, ask, use):
    key = Key()
    add(key)

    with pytest.raises(passkeys.PasskeyRefused, match="took too long"):
        use(key.use(ask()), now=NOON + challenges.VALID)


def test_a_challenge_that_was_never_asked_is_no_challenge(add, use):
    key = Key()
    add(key)

    with pytest.raises(passkeys.PasskeyRefused, match="took too long"):
        use(key.use({"rpId": SITE.domain, "challenge": "bm90IG91cnM"}))


def test_the_challenge_of_the_door_adds_no_passkey(registration, odile, ask, add):
    key = Key()
    options = {**ask(), "rp": {"id": SITE.domain}, "user": {"id": "b2RpbGU"}}

    with pytest.raises(passkeys.PasskeyRefused):
        add(key, answer=key.make(options))


def test_the_challenge_of_one_organiser_adds_no_passkey_to_another(registration, add):
    with registration.transaction() as session:
        bo = sign_ins.welcome(session, "bo@example.org", now=NOON)

    with pytest.raises(passkeys.PasskeyRefused):
        add(Key(), by=bo)


@pytest.mark.parametrize(
    "origin", ["http://palabre.example", "https://evil.example", "https://palabre.example:8443"]
)
def test_a_passkey_made_at_another_address_is_refused(add, registration, origin):
    with pytest.raises(passkeys.PasskeyRefused):
        add(Key(origin=origin))

    assert count(registration, Passkey) == 0


def test_a_passkey_of_another_domain_opens_nothing(add, ask, use):
    key = Key()
    add(key)

    with pytest.raises(passkeys.PasskeyRefused):
        use(key.use({**ask(), "rpId": "evil.example"}))


def test_a_signature_of_another_key_opens_nothing(add, ask, use):
    key, thief = Key(), Key()
    add(key)
    thief.id, thief.owner = key.id, key.owner

    with pytest.raises(passkeys.PasskeyRefused):
        use(thief.use(ask()))


def test_a_key_that_names_another_owner_opens_nothing(add, ask, use):
    key = Key()
    add(key)
    key.owner = b"somebody else..."

    with pytest.raises(passkeys.PasskeyRefused):
        use(key.use(ask()))


def test_a_count_that_goes_back_closes_the_door_and_is_written_down(add, ask, use, registration):
    key = Key()
    add(key)
    use(key.use(ask()))
    key.uses -= 1

    with pytest.raises(passkeys.PasskeyRefused, match="may have been copied"):
        use(key.use(ask()))
    with registration.reading() as session:
        assert "passkey counted back" in session.scalars(select(Deed.deed)).all()


def test_a_key_that_counts_nothing_opens_the_door_again_and_again(add, ask, use):
    key = Key(counts=False)
    add(key)

    assert [use(key.use(ask())) for _ in range(2)] == ["odile@example.org"] * 2


def test_the_greatest_count_that_a_key_can_have_is_kept(open_database):
    database = open_database(Passkey.metadata, "registration")
    key = Key(uses=2**32 - 2)
    with database.transaction() as session:
        odile = sign_ins.welcome(session, "odile@example.org", now=NOON)
        options = passkeys.offer(session, odile, SITE, now=NOON)
        passkeys.add(session, odile, key.make(options), SITE, name="", language="fr", link="", now=NOON)
    with database.transaction() as session:
        passkeys.use(session, key.use(passkeys.ask(session, SITE, now=NOON)), SITE, now=NOON)

    with database.reading() as session:
        assert session.scalars(select(Passkey.uses)).one() == 2**32 - 1


def test_when_a_passkey_was_last_used_is_kept(add, ask, use, registration):
    key = Key(flags=PRESENT | VERIFIED | SYNCED)
    add(key)
    use(key.use(ask()), now=NOON + timedelta(minutes=2))

    with registration.reading() as session:
        kept = session.scalars(select(Passkey)).one()
        assert (kept.used_at, kept.uses, kept.is_synced) == (NOON + timedelta(minutes=2), 1, True)


def test_a_removed_passkey_opens_nothing(add, ask, use, act, odile):
    key = Key()
    passkey = add(key)
    act(lambda session, **_: passkeys.remove(session, odile.id, passkey.id, now=NOON))

    with pytest.raises(passkeys.PasskeyRefused, match="do not know this passkey"):
        use(key.use(ask()))


def test_nobody_removes_the_passkey_of_another(add, act, registration):
    passkey = add(Key())
    with registration.transaction() as session:
        bo = sign_ins.welcome(session, "bo@example.org", now=NOON)

    with pytest.raises(NotFound):
        act(lambda session, **_: passkeys.remove(session, bo.id, passkey.id, now=NOON))


def test_one_passkey_stands_in_the_list_once(add):
    key = Key()
    add(key)

    with pytest.raises(passkeys.PasskeyRefused, match="here already"):
        add(key)


def test_there_is_an_end_to_how_many_passkeys_one_has(add):
    for _ in range(passkeys.MOST):
        add(Key())

    with pytest.raises(passkeys.TooManyPasskeys):
        add(Key())


def test_challenges_that_nobody_answered_are_forgotten(ask, registration):
    ask(), ask(NOON + timedelta(minutes=1))

    with registration.transaction() as session:
        assert challenges.forget(session, NOON + challenges.VALID) == 1
    assert count(registration, Challenge) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BYTES = st.binary(max_size=80).map(bytes_to_base64url)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_browser_sends_the_answer_is_a_refusal(registration, odile, data):
    """One part of an honest answer is replaced by anything; only parts that nobody reads may leave it good."""
    key = Key()
    with registration.transaction() as session:
        options = passkeys.offer(session, odile, SITE, now=NOON)
        made = key.make(options)
        passkeys.add(session, odile, made, SITE, name="", language="fr", link="", now=NOON)
        made = key.make(passkeys.offer(session, odile, SITE, now=NOON))
        looked_for = passkeys.ask(session, SITE, now=NOON)
    answer = json.loads(made if data.draw(st.booleans()) else key.use(looked_for))
    part = data.draw(st.sampled_from(["id", "rawId", "type", "response", *answer["response"]]))
    (answer["response"] if part in answer["response"] else answer)[part] = data.draw(
        (JSON | BYTES).filter(lambda said: said is not None)
    )
    sent = data.draw(st.sampled_from([json.dumps(answer), json.dumps(data.draw(JSON)), "[" * 20_000]))

    for deed in (
        lambda session: passkeys.use(session, sent, SITE, now=NOON),
        lambda session: passkeys.add(session, odile, sent, SITE, name="", language="fr", link="", now=NOON),
    ):
        with registration.transaction() as session, pytest.raises(passkeys.PasskeyRefused):
            deed(session)
    with registration.transaction() as session:
        session.execute(delete(Passkey))


@pytest.mark.parametrize(
    "public_url, domain, expected",
    [
        ("https://palabre.example", "", Site("palabre.example", "https://palabre.example")),
        ("https://jour.palabre.example:8443", "", Site("jour.palabre.example", "https://jour.palabre.example:8443")),
        ("https://jour.palabre.example", "palabre.example", Site("palabre.example", "https://jour.palabre.example")),
        ("https://palabre.example:443", "", Site("palabre.example", "https://palabre.example")),
        ("http://localhost:8000", "", Site("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000", "", None),
        ("https://192.0.2.7", "", None),
        ("https://[2001:db8::1]", "", None),
        ("http://palabre.example", "", None),
    ],
)  # fmt: skip
def test_passkeys_belong_to_the_address_of_the_settings_where_browsers_have_them(public_url, domain, expected):
    assert Site.of(some_settings(public_url=public_url, passkey_domain=domain)) == expected
