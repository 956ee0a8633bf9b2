"""A hearer that is told everything again has the same rows as before, row for row, and nothing else happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import MetaData, create_engine, delete, insert, make_url, select, text, update

from services.chassis import memories, prune, recalls
from services.chassis.db import Database, drifts
from services.chassis.db import recalls as lanes
from services.registration import registrations
from services.registration.models import Participant, State
from tests.flow import played
from tests.flow.town import HEARINGS, SERVICES, Town


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A day that is over, played once; every test leaves it as it found it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('town')}/{{service}}.db"
    else:
        url = request.getfixturevalue("postgres")
    opened: list[Database] = []

    def open_empty(tables: MetaData, name: str) -> Database:
        database = Database(url.replace("{service}", f"{name}_{uuid4().hex}"), name)
        if not database.is_sqlite:
            _create(url, str(database.url.database))
        tables.create_all(database.engine)
        opened.append(database)
        return database

    with pytest.MonkeyPatch.context() as patch:
        # Answers are short, so that each run takes several.
        for module in (memories, recalls):
            patch.setattr(module, "AT_ONCE", 13)
        town = Town(open_empty)
        played.prepare(town)
        played.meet(town)
        yield town
    for database in opened:
        database.dispose()


def _create(url: str, name: str) -> None:
    admin = create_engine(make_url(url.replace("{service}", "postgres")), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'create database "{name}"'))
    admin.dispose()


def mirrored(town: Town, hearer: str, source: str) -> dict[str, list[tuple[Any, ...]]]:
    return town.rows(hearer, [mirror.table.name for mirror in town.mirrors(hearer, source)])


def empty(town: Town, hearer: str, source: str) -> None:
    """Delete every mirrored row that none of the hearer's own refers to."""
    tables = SERVICES[hearer].metadata.tables.values()
    needed = {key.column.table.name for table in tables for key in table.foreign_keys}
    with town.databases[hearer].transaction() as session:
        for mirror in town.mirrors(hearer, source):
            if mirror.table.name not in needed:
                session.execute(delete(mirror.table))


def told_but_not_own(town: Town, hearer: str, source: str) -> dict[str, list[tuple[Any, ...]]]:
    """Mirrored rows without what the hearer itself added, and without what it forgot on its own account."""
    found = {}
    with town.databases[hearer].reading() as session:
        for mirror in town.mirrors(hearer, source):
            contact = ("email", "given", "family", "language") if mirror.table.name == "attendances" else ()
            columns = [c for c in mirror.table.c if c.name not in (*mirror.own, *contact)]
            found[mirror.table.name] = sorted(map(tuple, session.execute(select(*columns))), key=repr)
    return found


def change_somebody(town: Town, number: int) -> None:
    with town.databases["registration"].transaction() as session:
        person = session.scalars(
            select(Participant).where(Participant.state == State.present).order_by(Participant.id)
        ).all()[number]
        registrations.change(
            session,
            person.id,
            given=person.given,
            family=f"Changé {number}",
            territory=person.territory,
            trade=person.trade,
            structure=person.structure,
            language=person.language,
            links=played.LINKS,
            now=datetime.now(UTC),
        )


def test_every_row_is_as_it_was_and_nothing_is_told_or_written(town):
    before = {name: town.everything(name) for name in SERVICES}
    told = {name: town.told(name) for name in SERVICES}
    assert all(rows for hearer, source in HEARINGS for rows in mirrored(town, hearer, source).values())

    runs = [town.recall(hearer, source) for hearer, source in HEARINGS]

    assert {name: town.everything(name) for name in SERVICES} == before
    assert {name: town.told(name) for name in SERVICES} == told
    assert [(run.mended, run.subjects == run.known) for run in runs] == [(0, True)] * len(runs)


def test_rows_that_are_gone_come_back_as_they_were(town):
    for hearer, source in HEARINGS:
        before = mirrored(town, hearer, source)
        own = {mirror.table.name for mirror in town.mirrors(hearer, source) if mirror.own}
        told = told_but_not_own(town, hearer, source)
        empty(town, hearer, source)

        town.recall(hearer, source)

        after = mirrored(town, hearer, source)
        assert {k: v for k, v in after.items() if k not in own} == {
            k: v for k, v in before.items() if k not in own
        }
        assert told_but_not_own(town, hearer, source) == told


def test_facts_that_come_during_a_rebuild_are_in_it_once(town):
    for number, (hearer, source) in enumerate(HEARINGS):
        empty(town, hearer, source)
        town.begin(hearer, source)
        for step in range(6):
            change_somebody(town, number + step)
            town.turn_relays()
            for queue, waiting in list(town.broker.queues.items()):
                if waiting:
                    town.deliver(queue)
        town.settle()

        before = mirrored(town, hearer, source)
        assert (town.recall(hearer, source, "check").mended, mirrored(town, hearer, source)) == (0, before)
        if (hearer, source) != ("feedback", "registration") and source == "registration":
            assert "Changé" in repr(before)


def test_a_rebuild_that_is_cut_off_goes_on_where_it_was(town):
    hearer, source = "grouping", "registration"
    before = mirrored(town, hearer, source)
    empty(town, hearer, source)
    town.begin(hearer, source)
    for _ in range(3):
        town.turn()
        town.broker.queues["grouping.events"] = town.broker.queues.get("grouping.events", [])[:1]
    town.broker.forget()
    with town.databases[hearer].transaction() as session:
        session.execute(update(lanes).values(asked_at=datetime.now(UTC) - timedelta(seconds=60)))

    town.settle()

    assert town.progress(hearer, source).ended_at is not None
    assert mirrored(town, hearer, source) == before


def test_an_answer_that_comes_twice_changes_nothing(town):
    town.begin("grouping", "registration")
    town.turn_relays()
    town.deliver("registration.events")
    answer = town.broker.queues["grouping.events"][0].args[1]
    town.deliver("grouping.events")
    once = town.progress("grouping", "registration")

    asked = recalls.take(
        town.databases["grouping"],
        SERVICES["grouping"].inbox,
        "registration",
        answer,
        now=datetime.now(UTC),
    )

    assert (asked, town.progress("grouping", "registration")) == (None, once)


def test_what_is_old_is_pruned_and_can_still_be_told_again(town):
    for name, service in SERVICES.items():
        with town.databases[name].transaction() as session:
            prune.prune(session, datetime.now(UTC) + timedelta(days=50), service.events)
    with town.databases["registration"].reading() as session:
        outbox = SERVICES["registration"].metadata.tables["outbox"]
        bodies = session.execute(select(outbox.c.type, outbox.c.body)).all()
    assert not [row for row in bodies if row.body.get("link") or row.body.get("code")]
    assert not [row for row in bodies if row.type == "registration.sign_in_asked.v1"]
    before = {hearing: told_but_not_own(town, *hearing) for hearing in HEARINGS}

    for hearing in HEARINGS:
        empty(town, *hearing)
        town.recall(*hearing)

    assert {hearing: told_but_not_own(town, *hearing) for hearing in HEARINGS} == before


@pytest.mark.parametrize("hearing", HEARINGS, ids="-".join)
def test_a_row_altered_by_hand_is_found_named_and_mended(town, hearing):
    hearer, source = hearing
    for mirror in town.mirrors(hearer, source):
        before = town.rows(hearer, [mirror.table.name])
        subject = _alter(town, hearer, mirror)

        run = town.recall(hearer, source, "check")

        with town.databases[hearer].transaction() as session:
            found = session.execute(select(drifts.c.subject, drifts.c.kept_in, drifts.c.source)).all()
            session.execute(delete(drifts))
        assert [tuple(row) for row in found] == [(subject, mirror.table.name, source)]
        assert (run.mended, town.rows(hearer, [mirror.table.name])) == (1, before)


def _alter(town: Town, hearer: str, mirror: Any) -> UUID:
    """Change one value of one row."""
    keys = {column.name for column in mirror.table.primary_key} | {mirror.by.name, *mirror.own}
    with town.databases[hearer].transaction() as session:
        row = session.execute(select(mirror.table).order_by(mirror.by)).mappings().first()
        column, value = next(
            (c, row[c]) for c in mirror.table.c if c.name not in keys and isinstance(row[c], str | int | list)
        )
        other = {bool: not value, str: "altered", int: 4711, list: ["altered"]}[type(value)]
        session.execute(update(mirror.table).where(mirror.by == row[mirror.by]).values({column.name: other}))
    return row[mirror.by]


def checked(town: Town, hearer: str, source: str) -> list[dict[str, Any]]:
    """Check what `hearer` keeps of `source`, to the end; every answer on its way."""
    town.begin(hearer, source, "check")
    answers, moved = [], True
    while moved:
        moved = False
        town.turn_relays()
        for queue, waiting in list(town.broker.queues.items()):
            while waiting:
                if waiting[0].task == f"{hearer}.recall":
                    answers.append(waiting[0].args[1])
                town.deliver(queue)
                moved = True
    return answers


def told_whole(answers: list[dict[str, Any]]) -> set[UUID]:
    """The subjects whose facts were sent."""
    return {UUID(one["subject"]) for answer in answers for one in answer["subjects"] if "facts" in one}


def of_sums(answers: list[dict[str, Any]]) -> int:
    return sum("sum" in one for answer in answers for one in answer["subjects"])


@pytest.mark.parametrize("hearing", HEARINGS, ids="-".join)
def test_a_check_of_what_has_not_changed_sends_sums_and_no_facts(town, hearing):
    checked(town, *hearing)

    again = checked(town, *hearing)

    progress = town.progress(*hearing)
    assert (told_whole(again), of_sums(again)) == (set(), progress.known)
    assert (progress.subjects, progress.mended) == (progress.known, 0)


def test_only_the_facts_about_an_altered_row_and_about_what_was_told_since_are_sent(town):
    hearer, source = "grouping", "registration"
    checked(town, hearer, source)
    (members,) = [mirror for mirror in town.mirrors(hearer, source) if mirror.table.name == "members"]
    before = town.rows(hearer, ["members"])
    altered = _alter(town, hearer, members)
    since = town.told(source)
    change_somebody(town, 3)
    town.settle()
    with town.databases[source].reading() as session:
        outbox = SERVICES[source].metadata.tables["outbox"]
        changed = set(session.scalars(select(outbox.c.subject).where(outbox.c.sequence > since)))

    answers = checked(town, hearer, source)

    with town.databases[hearer].transaction() as session:
        found = set(session.scalars(select(drifts.c.subject)))
        session.execute(delete(drifts))
    assert (told_whole(answers), found) == ({altered, *changed}, {altered})
    assert len(before["members"]) == len(town.rows(hearer, ["members"])["members"])


def test_a_teller_of_an_earlier_version_that_sends_facts_where_sums_would_do_is_heard(town, monkeypatch):
    of = memories.Question.of

    def of_an_earlier_version(told):
        return of({name: value for name, value in told.items() if name != "sums"})

    checked(town, "grouping", "registration")
    with monkeypatch.context() as patch:
        patch.setattr(memories.Question, "of", of_an_earlier_version)
        answers = checked(town, "grouping", "registration")

    progress = town.progress("grouping", "registration")
    assert (of_sums(answers), len(told_whole(answers)), progress.mended) == (0, progress.known, 0)


def test_a_row_deleted_by_hand_and_one_nobody_told_of_are_found(town):
    before = town.rows("grouping", ["members"])
    members = SERVICES["grouping"].metadata.tables["members"]
    stranger = uuid4()
    with town.databases["grouping"].transaction() as session:
        row = session.execute(select(members).order_by(members.c.participant_id)).mappings().first()
        session.execute(delete(members).where(members.c.participant_id == row["participant_id"]))
        session.execute(insert(members).values({**row, "participant_id": stranger}))

    town.recall("grouping", "registration", "check")

    with town.databases["grouping"].reading() as session:
        found = {(row.subject, row.what) for row in session.execute(select(drifts))}
    assert found == {(row["participant_id"], "missing"), (stranger, "unheard-of")}
    assert town.rows("grouping", ["members"]) == before


def test_a_hearer_whose_database_is_lost_is_told_everything_and_goes_on_hearing(town):
    for hearer in ("feedback", "notifications", "grouping"):
        sources = SERVICES[hearer].inbox.sources
        told = [told_but_not_own(town, hearer, source) for source in sources]

        town.move_in(hearer)
        for source in sources:
            town.recall(hearer, source)

        assert [told_but_not_own(town, hearer, source) for source in sources] == told
    assert town.rows("notifications", ["letters"]) == {"letters": []}
    change_somebody(town, 0)
    town.settle()
    assert "Changé 0" in repr(mirrored(town, "grouping", "registration"))
