from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select

from services.feedback import accounts, answers, questionnaires, quotes
from services.feedback.models import Quote
from tests.unit.feedback.cast import EVENING, GATHERING, HOME


@pytest.fixture
def told(day):
    """The day with topics and syntheses; `told(n, saying)` lets n people answer, each with a sentence to publish."""
    day.hear(
        "registration.topic_accepted.v1",
        topic_id=str(uuid4()),
        gathering_id=str(GATHERING),
        number=1,
        question="Comment aborder une addiction ?",
    )
    day.hear(
        "grouping.synthesis_written.v1",
        group_id=str(uuid4()),
        gathering_id=str(GATHERING),
        angle="Le temps",
        modalities=["Adapter le temps"],
        written_at=EVENING.isoformat(),
    )

    def say(people, sentence="On m'a écoutée"):
        day.check_in(*["Le Goff", "Nguyễn", *(f"Famille{n}" for n in range(people - 2))])
        with day.database.transaction() as session:
            questionnaires.address(session, GATHERING, now=EVENING)
        codes = []
        for link in day.links():
            with day.database.transaction() as session:
                given = {"useful": "5", "pace": "right", "takeaway": sentence}
                codes += answers.give(
                    session, link.removeprefix("/q/"), given=given, quoted=["takeaway"], seed="s", now=EVENING
                )
        write(day)
        return codes

    return say


def write(day):
    with day.database.transaction() as session:
        accounts.write(session, GATHERING, now=EVENING)


def publish(day, *confirmed):
    with day.database.transaction() as session:
        accounts.publish(session, GATHERING, confirmed=confirmed, now=EVENING)


def shown(day, kind):
    with day.database.reading() as session:
        return next(part for part in accounts.shown(session, GATHERING) if part.paragraph.kind == kind)


def published(day):
    with day.database.reading() as session:
        return accounts.published(session, GATHERING)


def edit(day, part, lines, *, version=None):
    with day.database.transaction() as session:
        accounts.edit(
            session,
            GATHERING,
            part.paragraph.id,
            heading=part.paragraph.heading,
            lines=lines,
            version=version or part.paragraph.version,
        )


def test_under_the_minimum_no_quote_is_in_the_account(day, told):
    told(4)

    with day.database.reading() as session:
        assert [p.kind for p in accounts.paragraphs(session, GATHERING) if p.kind == "words"] == []


def test_from_the_minimum_on_quotes_close_the_account(day, told):
    told(5)
    publish(day)

    _title, parts = published(day)
    assert (parts[-1].kind, parts[-1].texts) == ("words", ["On m'a écoutée"] * 5)


def test_a_quote_taken_back_is_gone_from_the_published_account(day, told):
    codes = told(5)
    publish(day)

    for receipt in codes[:2]:
        with day.database.transaction() as session:
            quotes.withdraw(session, GATHERING, code=receipt.code)

    assert published(day)[1][-1].texts == ["On m'a écoutée"] * 3


def test_nobody_rewords_a_quote(day, told):
    told(5)
    words = shown(day, "words")

    edit(day, words, [words.lines[0].line.quote, "Une phrase inventée"])
    publish(day)

    assert published(day)[1][-1].texts == ["On m'a écoutée"]


def test_an_edited_paragraph_survives_a_new_draft(day, told):
    told(5)
    edit(day, shown(day, "angle"), ["Adapter vraiment le temps"])
    with day.database.transaction() as session:
        session.add(
            Quote(
                questionnaire_id=questionnaires.of(session, GATHERING).id,
                question_name="words",
                sentence="Autre",
                code_digest="x",
                counted=True,
            )
        )
    write(day)

    assert [line.text for line in shown(day, "angle").lines] == ["Adapter vraiment le temps"]
    assert len(shown(day, "words").lines) == 6


def test_two_organisers_cannot_overwrite_each_other(day, told):
    told(5)
    seen = shown(day, "angle")
    edit(day, seen, ["Odile passe avant"])

    with pytest.raises(accounts.EditedMeanwhile):
        edit(day, seen, ["Bo passe après"])

    assert [line.text for line in shown(day, "angle").lines] == ["Odile passe avant"]


def test_figures_are_counted_and_not_written(day, told):
    told(5)

    with pytest.raises(accounts.FiguresStand):
        edit(day, shown(day, "figures"), ["500 personnes"])


def test_a_name_in_a_quote_has_to_be_confirmed(day, told):
    told(5, "Merci à madame NGUYEN")

    with pytest.raises(accounts.NamesToConfirm) as refusal:
        publish(day)
    (passage,) = refusal.value.members["passages"]
    publish(day, passage["key"])

    assert passage["text"] == "Merci à madame NGUYEN"
    assert published(day)[1][-1].texts == ["Merci à madame NGUYEN"] * 5


def test_confirming_a_passage_says_nothing_of_another(day, told):
    told(5, "Merci à madame NGUYEN")
    with day.database.reading() as session:
        (mark,) = accounts.marks(session, GATHERING)
    edit(day, shown(day, "angle"), ["Écouter M. Le Goff"])

    with pytest.raises(accounts.NamesToConfirm):
        publish(day, mark.key)


def test_publishing_is_told_once(day, told):
    told(5)
    publish(day)
    publish(day)

    (fact,) = day.told("feedback.account_published.v1")
    assert (fact["title"], fact["link"]) == (
        "Retour sur «\u202fChemins croisés\u202f»",
        f"{HOME}/retour/chemins-croises",
    )


def test_later_edits_are_read_by_nobody_until_published_again(day, told):
    told(5)
    publish(day)
    edit(day, shown(day, "angle"), ["Autre chose"])

    before = published(day)[1]
    publish(day)

    assert [part.texts for part in before if part.kind == "angle"] == [["Adapter le temps"]]
    assert [part.texts for part in published(day)[1] if part.kind == "angle"] == [["Autre chose"]]


def test_an_account_nobody_published_is_not_there(day, told):
    told(5)

    with pytest.raises(accounts.NoAccount):
        published(day)


def test_an_emptied_paragraph_is_left_out(day, told):
    told(5)
    edit(day, shown(day, "angle"), ["", "  "])
    publish(day)

    assert "angle" not in [part.kind for part in published(day)[1]]


def test_what_is_withdrawn_at_registration_leaves_the_next_draft(day, told):
    told(5)
    topic = shown(day, "questions").lines[0].line.sources[0].ref
    day.hear("registration.topic_withdrawn.v1", topic_id=topic, gathering_id=str(GATHERING))
    write(day)

    with day.database.reading() as session:
        assert "questions" not in [p.kind for p in accounts.paragraphs(session, GATHERING)]
        assert session.scalars(select(Quote.withdrawn)).all() == [False] * 5


def test_a_plan_that_tells_only_how_many_territories_leaves_their_names_to_the_description(day):
    day.check_in("Le Goff")
    groups = [{"number": 1, "name": "1", "size": 9, "territories": 1, "trades": 2}]
    day.hear(
        "grouping.plan_published.v1",
        round_id=str(uuid4()),
        gathering_id=str(GATHERING),
        kind="topics",
        name="Ateliers",
        version=1,
        people=9,
        groups=groups,
    )
    write(day)

    assert [line.text for line in shown(day, "figures").lines] == [
        "1 personne présente",
        "2 territoires",
        "2 métiers",
    ]


def test_letters_of_territories_are_told_by_their_names(day):
    day.hear(
        "grouping.plan_published.v1",
        round_id=str(uuid4()),
        gathering_id=str(GATHERING),
        kind="topics",
        name="Ateliers",
        version=1,
        people=9,
        groups=[{"number": 1, "name": "1", "size": 9, "territories": ["B"], "trades": []}],
    )
    write(day)

    assert shown(day, "text").lines[0].text == "Un territoire était là\u00a0: Beauce."
