"""Answers arrive once each and lead back to nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from sqlalchemy import inspect, select, text

from services.chassis import migrations
from services.chassis.db import Database, once
from services.feedback import answers, questionnaires, quotes
from services.feedback.app import service
from services.feedback.models import Answer, Base, Questionnaire, Quote, Token
from tests.unit.feedback.cast import EVENING, GATHERING, Day

GIVEN = {"useful": "4", "pace": "right"}


def opened(day, people):
    day.check_in(*(f"Famille{number}" for number in range(people)))
    with day.database.transaction() as session:
        questionnaires.address(session, GATHERING, now=EVENING)
    return [link.removeprefix("/q/") for link in day.links()]


def give(day, link, *, quoted=(), seed="", **given):
    with day.database.transaction() as session:
        return answers.give(session, link, given={**GIVEN, **given}, quoted=quoted, seed=seed, now=EVENING)


def columns(model):
    return {column.key for column in inspect(model).columns}


def test_a_link_answers_once(day):
    link = opened(day, 1)[0]
    give(day, link)

    with pytest.raises(answers.AlreadyAnswered):
        give(day, link)

    with day.database.reading() as session:
        assert len(session.scalars(select(Answer)).all()) == 1


def test_a_link_nobody_was_sent_answers_nothing(day):
    opened(day, 1)

    with pytest.raises(answers.UnknownLink):
        give(day, "invented")


def test_a_closed_questionnaire_takes_no_answer(day):
    link = opened(day, 1)[0]

    with pytest.raises(answers.QuestionnaireClosed), day.database.transaction() as session:
        answers.give(session, link, given=GIVEN, quoted=(), seed="", now=EVENING + questionnaires.OPEN_FOR)


def test_tokens_answers_and_quotes_share_nothing_but_their_questionnaire():
    three = (Token, Answer, Quote)

    assert columns(Token) & columns(Answer) == {"questionnaire_id"}
    assert columns(Token) & columns(Quote) == {"questionnaire_id"}
    for model in three:
        foreign = {key.target_fullname for key in model.__table__.foreign_keys}
        assert foreign == {"questionnaires.id"}
    pointed_at = {
        key.column.table.name for table in Base.metadata.tables.values() for key in table.foreign_keys
    }
    assert pointed_at & {model.__tablename__ for model in three} == set()


def test_no_row_says_at_what_hour_somebody_answered():
    hours = {
        column.key
        for model in (Token, Answer, Quote)
        for column in inspect(model).columns
        if column.type.python_type.__name__ == "datetime"
    }

    assert hours == set()


def test_sqlite_keeps_no_hidden_row_number(day):
    with day.database.reading() as session:
        made = dict(session.execute(text("select name, sql from sqlite_master where type = 'table'")).all())

    assert all(made[name].rstrip().endswith("WITHOUT ROWID") for name in ("tokens", "answers", "quotes"))


def test_the_migrations_keep_no_hidden_row_number_either(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/feedback.db", "feedback")
    migrations.run(service, database)
    with database.reading() as session:
        made = dict(session.execute(text("select name, sql from sqlite_master where type = 'table'")).all())
    database.dispose()

    assert all(made[name].rstrip().endswith("WITHOUT ROWID") for name in ("tokens", "answers", "quotes"))


def test_the_order_of_answers_says_nothing_of_who_came_when(open_database):
    """Read as they lie on the disk, answers stand in the order of their random keys: not of tokens, nor of arrival."""
    day = Day(open_database(Base.metadata, "feedback"))
    day.describe()
    links = opened(day, 20)
    links = links[::3] + links[1::3] + links[2::3]
    for number, link in enumerate(links):
        give(day, link, quoted=["takeaway"], takeaway=f"{number}", seed="s")

    with day.database.reading() as session:
        for lying in (
            session.scalars(text("select id from answers")).all(),
            session.scalars(text("select id from quotes")).all(),
        ):
            assert [str(key) for key in lying] == sorted(str(key) for key in lying)
        came = [int(answer.given["takeaway"]) for answer in session.scalars(select(Answer))]
    assert sorted(came) == list(range(20))
    neighbours = sum(abs(one - other) == 1 for one, other in pairwise(came))
    assert neighbours < 10


@pytest.mark.parametrize("open_database", ["postgresql"], indirect=True)
def test_no_transaction_ties_a_counted_answer_to_its_token(open_database):
    database = open_database(Base.metadata, "feedback")
    day = Day(database)
    day.describe()
    for number, link in enumerate(opened(day, 10)):
        give(day, link, quoted=["takeaway"], takeaway=f"{number}", seed="s")

    with database.reading() as session:
        written = [
            session.execute(text("select distinct xmin::text from answers")).all(),
            session.execute(text("select distinct xmin::text from quotes")).all(),
        ]

    assert [len(transactions) for transactions in written] == [1, 1]


def test_the_door_keeps_no_copy_of_what_was_sent(day, visitor):
    link = opened(day, 1)[0]

    answer = visitor.send(f"/q/{link}", **GIVEN, takeaway="Un secret", **{"takeaway-quote": "yes"})

    assert answer.status_code == 200
    with day.database.reading() as session:
        assert session.execute(select(once)).all() == []


def test_a_code_is_kept_as_a_digest_only(day):
    (receipt,) = give(day, opened(day, 1)[0], quoted=["takeaway"], takeaway="On m'a écoutée")

    with day.database.reading() as session:
        quote = session.scalars(select(Quote)).one()
    assert quote.code_digest == questionnaires.digest(receipt.code.replace("-", ""))


def test_a_sentence_without_consent_is_no_quote(day):
    assert give(day, opened(day, 1)[0], takeaway="Entre nous") == []

    with day.database.reading() as session:
        assert session.scalars(select(Quote)).all() == []


def test_a_question_that_is_not_quotable_is_never_quoted(day):
    assert give(day, opened(day, 1)[0], quoted=["change"], change="La salle") == []


def test_a_double_click_shows_the_same_code_again(day):
    link = opened(day, 1)[0]
    first = give(day, link, quoted=["takeaway"], takeaway="On m'a écoutée", seed="of-this-form")

    with day.database.reading() as session:
        again = answers.receipts_again(session, link, names=["takeaway", "words"], seed="of-this-form")
        other = answers.receipts_again(session, link, names=["takeaway"], seed="of-another-form")

    assert (again, other) == (first, [])


def test_answers_count_five_at_a_time(day):
    links = opened(day, 11)
    counted = []
    for link in links:
        give(day, link)
        with day.database.reading() as session:
            counted.append(len(session.scalars(select(Answer).where(Answer.counted)).all()))

    assert counted == [0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10]


def test_a_quote_is_taken_back_by_its_code_however_it_is_written(day):
    links = opened(day, 5)
    (receipt,) = give(day, links[0], quoted=["takeaway"], takeaway="On m'a écoutée")
    for link in links[1:]:
        give(day, link)

    with day.database.transaction() as session:
        questionnaire = session.scalars(select(Questionnaire.id)).one()
        before = [quote.sentence for quote in quotes.publishable(session, questionnaire)]
        quotes.withdraw(session, GATHERING, code=receipt.code.lower().replace("-", " "))

    with day.database.reading() as session:
        kept = session.scalars(select(Quote)).one()
        assert quotes.publishable(session, questionnaire) == []
    assert (before, kept.sentence, kept.withdrawn) == (["On m'a écoutée"], None, True)


def test_a_wrong_code_takes_nothing_back(day):
    with pytest.raises(quotes.UnknownCode), day.database.transaction() as session:
        quotes.withdraw(session, GATHERING, code="7Q0C-X4MT-92BK-VD1E")


def test_one_link_posted_eight_times_at_once_answers_once(open_database):
    day = Day(open_database(Base.metadata, "feedback"))
    day.describe()
    link = opened(day, 1)[0]

    def post(_number):
        try:
            give(day, link)
        except answers.AlreadyAnswered:
            return "refused"
        return "received"

    with ThreadPoolExecutor(8) as people:
        outcomes = sorted(people.map(post, range(8)))

    assert outcomes == ["received", *["refused"] * 7]
    with day.database.reading() as session:
        assert len(session.scalars(select(Answer)).all()) == 1


def test_twenty_people_answering_at_once_are_all_counted(open_database):
    day = Day(open_database(Base.metadata, "feedback"))
    day.describe()
    links = opened(day, 20)

    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda link: give(day, link, quoted=["takeaway"], takeaway=link, seed="s"), links))

    with day.database.reading() as session:
        assert sorted(answer.given["takeaway"] for answer in session.scalars(select(Answer))) == sorted(links)
        assert session.scalars(select(Answer.counted).distinct()).all() == [True]
        assert session.scalars(select(Quote.counted).distinct()).all() == [True]


@pytest.mark.parametrize("open_database", ["postgresql"], indirect=True)
def test_a_sentence_taken_back_while_answers_are_counted_stays_away(open_database):
    day = Day(open_database(Base.metadata, "feedback"))
    day.describe()
    links = opened(day, 25)
    codes = [give(day, link, quoted=["takeaway"], takeaway="On m'a écoutée", seed="s")[0] for link in links[:5]]

    def withdraw(receipt):
        with day.database.transaction() as session:
            quotes.withdraw(session, GATHERING, code=receipt.code)

    with ThreadPoolExecutor(8) as people:
        for done in [
            *(people.submit(give, day, link) for link in links[5:]),
            *(people.submit(withdraw, receipt) for receipt in codes),
        ]:
            done.result()

    with day.database.reading() as session:
        assert session.scalars(select(Quote.sentence)).all() == [None] * 5
