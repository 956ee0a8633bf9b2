"""Celery on Redis, set so that it loses as little as it can; what it loses all the same, the relay sends again.

The reason for each value stands beside it. Nothing here is trusted with the truth: that is in the databases. A module
of its own: only workers have Celery in their memory.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu import Connection, Queue

from services.chassis import routes
from services.chassis.broker import EXTRA_QUEUES, acks_queue, events_queue
from services.chassis.settings import Settings

# Seconds between looks for a broker that is away: a first pause, what each next one is longer by, and the longest.
RECONNECT = {"interval_start": 0.2, "interval_step": 0.3, "interval_max": 2.0}


class Eager(Connection):
    """A connection that comes back soon: kombu's own would wait 2, 4, 6 … 30 s between two looks for its broker."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Connection:
        super().ensure_connection(*args, **{**RECONNECT, **kwargs})  # type: ignore[no-untyped-call]
        return self


class Amqp(AMQP):  # type: ignore[misc]
    """Celery's own, with our connection."""

    Connection = BrokerConnection = Eager


def celery_app(service: str, settings: Settings) -> Celery:
    """A Celery app that may send to every queue of the street; it has no tasks yet."""
    app = Celery(service, broker=settings.redis_url, set_as_current=False, amqp=Amqp)
    names = [queue(name) for name in routes.services() for queue in (events_queue, acks_queue)]
    app.conf.update(
        task_queues=[Queue(name) for name in (*names, *EXTRA_QUEUES)],
        task_create_missing_queues=False,
        task_default_queue=events_queue(service),
        task_acks_late=True,  # a worker's death gives the message back
        task_reject_on_worker_lost=True,
        task_ignore_result=True,  # results would leak into Redis and nobody reads them
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=4,
        task_time_limit=60,
        task_soft_time_limit=45,
        worker_max_tasks_per_child=5000,
        worker_soft_shutdown_timeout=20,  # under the 30 s a container is given to stop
        worker_cancel_long_running_tasks_on_connection_loss=False,  # the inbox makes a repeat harmless
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # the default gives up after 100
        broker_heartbeat=0,
        broker_transport_options={
            # How long one wait for a message lasts before the next begins; one that comes ends it. Each costs us both.
            "polling_interval": 4,
            "visibility_timeout": 120,
            "unacked_restore_interval": 15,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 5,
        },
    )
    return app
