from __future__ import annotations

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.chassis.errors import Misshapen
from services.registration import cancellations, stories, topics
from services.registration.events import TopicWithdrawn
from tests.unit.registration.conftest import LINKS


@pytest.fixture
def a_topic(do, odile):
    def bring(gathering, participant_id, question="How do we begin?"):
        topic = do(topics.propose, participant_id, question=question)
        return do(topics.accept, gathering.id, topic.id, by=odile.id)

    return bring


def test_a_topic_is_worded_as_a_question(a_gathering, come, do):
    ada = come(a_gathering())

    with pytest.raises(Misshapen) as refusal:
        do(topics.propose, ada, question="Addiction")

    assert refusal.value.errors.keys() == {"question"}


def test_topics_are_numbered_in_the_order_they_are_accepted(a_gathering, come, a_topic):
    gathering = a_gathering()
    ada = come(gathering)

    assert [a_topic(gathering, ada).number for _ in range(3)] == [1, 2, 3]


def test_accepting_twice_is_told_once(a_gathering, come, do, odile, told):
    gathering = a_gathering()
    story = do(stories.propose, come(gathering), title="The key", consents=True)
    told()

    do(stories.accept, gathering.id, story.id, by=odile.id)
    do(stories.accept, gathering.id, story.id, by=odile.id)

    assert told() == ["story_accepted"]


def test_when_a_teller_or_carrier_cancels_the_others_are_told(a_gathering, come, do, a_topic, odile, told):
    gathering = a_gathering()
    ada = come(gathering)
    a_topic(gathering, ada)
    story = do(stories.propose, ada, title="The key", consents=True)
    do(stories.accept, gathering.id, story.id, by=odile.id)
    told()

    do(cancellations.cancel, ada, links=LINKS)

    assert told() == ["participant_cancelled", "story_withdrawn", "topic_withdrawn"]


def test_whether_who_brought_it_or_the_team_took_it_out_is_told(
    a_gathering, come, do, a_topic, odile, registration
):
    gathering = a_gathering()
    ada, bo = come(gathering, "Ada"), come(gathering, "Bo")
    a_topic(gathering, ada)
    turned_down = a_topic(gathering, bo)

    do(cancellations.cancel, ada, links=LINKS)
    do(topics.decline, gathering.id, turned_down.id, by=odile.id)

    with registration.reading() as session:
        gone = select(outbox.c.body).where(outbox.c.type == TopicWithdrawn.type).order_by(outbox.c.sequence)
        assert [body["reason"] for body in session.scalars(gone)] == ["withdrawn", "declined"]


def test_only_who_holds_a_seat_brings_a_story(a_gathering, ask, do):
    with pytest.raises(stories.NotComing):
        do(stories.propose, ask(a_gathering()).participant_id, title="The key", consents=True)


def test_wishes_are_three_different_topics_of_the_list(a_gathering, come, do, a_topic, told):
    gathering = a_gathering()
    ada, bo = come(gathering, "Ada"), come(gathering, "Bo")
    one, two = a_topic(gathering, ada).id, a_topic(gathering, ada).id
    told()

    do(topics.rank, bo, topic_ids=[two, one])
    do(topics.rank, bo, topic_ids=[two, one])

    assert told() == ["wishes_ranked"]
    with pytest.raises(Misshapen):
        do(topics.rank, bo, topic_ids=[one, one])
