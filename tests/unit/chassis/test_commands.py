"""What an operator types to see and settle the facts that could not be heard."""

from __future__ import annotations

import json
import subprocess
import sys
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from services.chassis import dead
from services.chassis.db import Database, inbox
from services.chassis.inbox import TRIES
from tests import toys
from tests.unit.chassis.test_inbox import a_fact

GROUPING = toys.SERVICES["grouping"]
PERSON = uuid4()


@pytest.fixture
def dead_fact(tmp_path, monkeypatch):
    """A wish whose handler failed five times, and a later wish parked behind it."""
    url = f"sqlite:///{tmp_path}/{{service}}.db"
    monkeypatch.setenv("PALABRE_DATABASE_URL", url)
    database = Database(url, "grouping")
    GROUPING.metadata.create_all(database.engine)
    broken = {**a_fact(1, subject=PERSON), "type": toys.Wished.type}
    broken["data"] = {"participant_id": str(PERSON), "number": 1}
    later = {**a_fact(2, subject=PERSON), "type": toys.Wished.type}
    later["data"] = {"participant_id": str(PERSON), "number": 2}
    toys.effects.drop(database.engine)
    for _ in range(TRIES):
        GROUPING.inbox.hear(database, broken)
    GROUPING.inbox.hear(database, later)
    toys.effects.create(database.engine)
    yield database, broken["id"]
    database.dispose()


def run(*words: str) -> tuple[int, str, str]:
    """Type a command, in a process of its own; what it answers with: code, output, errors."""
    command = "from services.chassis.cli import main; from tests import toys; main(toys.SERVICES['grouping'])"
    done = subprocess.run([sys.executable, "-c", command, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def numbers(database):
    with database.reading() as session:
        return list(session.scalars(select(toys.effects.c.number).order_by(toys.effects.c.id)))


def test_the_list_names_each_dead_fact_and_what_waits_behind_it(dead_fact):
    code, said, _ = run("dead", "list")

    assert (code, said.splitlines()[-1]) == (0, "1 dead")
    for part in (dead_fact[1], toys.Wished.type, "1 parked behind", "no such table: effects"):
        assert part in said


def test_the_list_names_every_dead_fact_however_many(dead_fact):
    database, _ = dead_fact
    with database.transaction() as session:
        row = session.execute(select(inbox).where(inbox.c.status == "dead")).one()._asdict()
        session.execute(
            insert(inbox), [row | {"event_id": uuid4(), "subject": uuid4()} for _ in range(dead.LISTED)]
        )

    _, said, _ = run("dead", "list")
    _, told, _ = run("dead", "list", "--json")

    assert said.splitlines()[-1] == f"{dead.LISTED + 1} dead"
    assert len(json.loads(told)) == len(said.splitlines()) - 1 == dead.LISTED + 1


def test_programs_are_told_the_list_without_what_facts_say_of_people(dead_fact):
    _, said, _ = run("dead", "list", "--json")

    (told,) = json.loads(said)
    assert (told["id"], told["behind"], told["type"]) == (dead_fact[1], 1, toys.Wished.type)
    assert {"trace", "reason", "since"} <= told.keys()
    assert "data" not in said


def test_what_is_parked_behind_a_dead_fact_is_shown_with_it(dead_fact):
    _, said, _ = run("dead", "show", dead_fact[1])

    assert f"parked behind: 2 {toys.Wished.type}" in said


def test_a_dead_fact_is_shown_whole(dead_fact):
    _, said, _ = run("dead", "show", dead_fact[1])

    assert f"'participant_id': '{PERSON}'" in said
    assert "Traceback" in said


def test_a_retried_fact_is_heard_with_those_behind_it(dead_fact):
    database, fact = dead_fact

    _, said, _ = run("dead", "retry", fact)

    assert (said, numbers(database)) == ("heard", [1, 2])


def test_a_discarded_fact_stays_unheard_and_those_behind_it_go_on(dead_fact):
    database, fact = dead_fact

    run("dead", "discard", fact)

    with database.reading() as session:
        statuses = session.scalars(select(inbox.c.status).order_by(inbox.c.version)).all()
    assert (numbers(database), statuses) == ([2], ["discarded", "heard"])


def test_an_id_that_is_not_dead_is_said_in_one_line(dead_fact):
    stranger = str(uuid4())

    assert run("dead", "retry", stranger) == (1, "", f"no dead fact {stranger}; dead list shows them")


def test_an_unknown_setting_is_said_in_one_line(dead_fact, monkeypatch):
    monkeypatch.setenv("PALABRE_REDIS_ULR", "redis://127.0.0.1/0")

    said = "Unknown setting PALABRE_REDIS_ULR. Did you mean PALABRE_REDIS_URL?"
    assert run("dead", "list") == (1, "", said)
