"""Messages are what Celery itself would have written, and leave together with a look at the broker."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import redis

from services.chassis.celery_app import celery_app
from services.chassis.post import UNSAID, Post
from services.chassis.post import message as post_message
from services.chassis.settings import Settings
from tests.postgres import free_port

QUEUE = "grouping.events"
# What is drawn anew for each message, and what we keep to ourselves.
DRAWN = {"id", "root_id", "correlation_id", "reply_to", "delivery_tag", "origin", "argsrepr"}


def take(chosen: Settings) -> tuple[dict[str, Any], list[Any]]:
    """The oldest message of the queue and its body, both as they are read; what is drawn is told by its type."""
    raw: Any = redis.Redis.from_url(chosen.redis_url).rpop(QUEUE)
    message = json.loads(raw)
    body = json.loads(base64.b64decode(message.pop("body")))
    for part in (message["headers"], message["properties"]):
        part.update({name: type(part[name]).__name__ for name in DRAWN & part.keys()})
    return message, body


def test_a_message_is_what_celery_would_have_written(broker):
    told = {"id": "0190a000", "data": {"name": "Zoë \N{PARTY POPPER}", "seats": [1, 2.5, None, True]}}
    app, post = celery_app("registration", broker), Post(broker)

    app.send_task("grouping.hear", args=[told], queue=QUEUE, retry=False)
    post.put(QUEUE, "grouping.hear", json.dumps([told]))
    post.exchange([])

    assert take(broker) == take(broker)


def test_what_a_worker_logs_of_a_message_speaks_of_nobody():
    message = json.loads(post_message(QUEUE, "grouping.hear", '["Ada"]', "here"))

    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == (UNSAID, "{}")


def test_what_was_put_leaves_in_its_order_and_is_counted_in_the_same_look(broker):
    post = Post(broker)
    for number in range(3):
        post.put(QUEUE, "grouping.hear", f"[{number}]")

    seen = post.exchange([QUEUE, "feedback.events"])

    assert seen.lengths == {QUEUE: 3, "feedback.events": 0}
    assert [take(broker)[1][0] for _ in range(3)] == [[0], [1], [2]]


def test_a_broker_that_forgot_is_seen_by_its_epoch(broker):
    post = Post(broker)
    before = post.exchange([]).epoch

    assert post.exchange([]).epoch == before
    redis.Redis.from_url(broker.redis_url).flushall()
    assert post.exchange([]).epoch != before


def test_what_could_not_leave_is_forgotten(broker):
    post = Post(broker)
    away = Post(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    away.put(QUEUE, "grouping.hear", "[1]")

    with pytest.raises(redis.RedisError):
        away.exchange([QUEUE])

    assert post.exchange([QUEUE]).lengths == {QUEUE: 0}
    with pytest.raises(redis.RedisError):
        away.exchange([QUEUE])
