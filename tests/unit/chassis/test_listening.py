"""A relay on PostgreSQL is woken by commits, and connections that rested while the server went away are replaced."""

from __future__ import annotations

import threading
import time
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.chassis.db import Database
from services.chassis.listening import Listener, Notice
from tests import toys

LONG_S = 20.0


@pytest.fixture
def database(new_databases, postgres):
    name = f"registration_{uuid4().hex}"
    new_databases(name)
    found = Database(postgres.replace("{service}", name), "registration")
    toys.TELLING.create_all(found.engine)
    yield found
    found.dispose()


def test_a_commit_with_a_fact_wakes_who_listens(database):
    database.after_commit, listener = Notice(database.url), Listener(database.url)
    assert listener.wait(0.01)  # of what came before there is no notice
    assert not listener.wait(0.01)
    began = time.monotonic()

    toys.wish(database, uuid4(), 1)
    assert listener.wait(LONG_S)

    assert time.monotonic() - began < LONG_S / 2
    listener.close()


def test_the_first_notice_after_the_server_came_back_is_not_lost(database):
    notice, listener = Notice(database.url), Listener(database.url)
    notice()
    with database.transaction() as session:
        session.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                " and datname = current_database()"
            )
        )
    listener.wait(0.01)

    notice()

    assert listener.wait(LONG_S)
    listener.close()


def test_a_notice_that_is_asked_for_while_another_is_on_its_way_is_not_lost(database, monkeypatch):
    notice = Notice(database.url)
    sent, on_its_way, go_on = [], threading.Event(), threading.Event()

    def slowly():
        sent.append(1)
        on_its_way.set()
        go_on.wait(LONG_S)

    monkeypatch.setattr(notice, "_notify", slowly)
    first = threading.Thread(target=notice)
    first.start()
    assert on_its_way.wait(LONG_S)
    notice()  # returns at once
    notice()
    go_on.set()
    first.join(LONG_S)

    assert len(sent) == 2


def test_a_server_that_is_away_costs_the_one_who_commits_nothing_but_the_notice(database):
    url = database.url.set(port=1)

    Notice(url)()

    assert Notice(url)._notify() is None


def test_a_connection_that_died_while_it_rested_is_replaced_unseen(database, monkeypatch):
    monkeypatch.setattr("services.chassis.db.RESTED_S", 0)
    with database.transaction() as session:
        mine = session.scalar(text("select pg_backend_pid()"))
    other = Database(database.url.render_as_string(hide_password=False))
    with other.transaction() as session:
        session.execute(text("select pg_terminate_backend(:pid)"), {"pid": mine})
    other.dispose()

    with database.transaction() as session:
        assert session.scalar(text("select pg_backend_pid()")) != mine
