"""A broker that forgets, comes back with old files, is full, or is followed by its replica; and everything at once."""

from __future__ import annotations

import secrets
import signal
import time
from contextlib import suppress

import redis

from tests.faults.broker import Broker
from tests.faults.harm.scene import Scene
from tests.faults.rig import kill


def flush(scene: Scene) -> None:
    """The broker forgets everything."""
    scene.broker.client.flushall()


def restore(scene: Scene) -> None:
    """The broker comes back with its files of a while ago."""
    broker = scene.broker
    broker.keep_files()
    time.sleep(scene.row.lasts or 2)
    broker.end()
    broker.restore_files()
    broker.start()


def fill(scene: Scene) -> None:
    """The broker has no memory left and refuses every write."""
    client = scene.broker.client
    client.config_set("maxmemory", 1_000_000)
    with suppress(redis.RedisError):
        while True:
            client.lpush("rig:filler", "x" * 100_000)
    time.sleep(scene.row.lasts or 4)
    client.config_set("maxmemory", 0)
    client.delete("rig:filler")


def failover(scene: Scene) -> None:
    """The broker dies and its replica takes over, without what had not been copied; the next time it goes back."""
    rig, primary = scene.rig, scene.broker
    assert rig.wire is not None
    replica = Broker(rig.data / f"replica{scene.done}", aof=primary.aof)
    replica.start()
    rig.also_end(replica.end)
    replica.client.replicaof("127.0.0.1", primary.port)
    until = time.monotonic() + 10
    while replica.client.info("replication").get("master_link_status") != "up" and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    # The copy hangs while the primary goes on: this is what asynchronous replication loses.
    kill(replica.pid, signal.SIGSTOP)
    time.sleep(scene.row.lasts or 1)
    primary.end()
    kill(replica.pid, signal.SIGCONT)
    replica.client.replicaof("NO", "ONE")
    rig.wire.order("to", replica.port)
    rig.wire.order("drop")
    rig.broker = replica


def storm(scene: Scene) -> None:
    """A dozen things, one after the other, in any order."""
    rig = scene.rig
    for _ in range(12):
        name = secrets.choice(
            (
                "web.1",
                "relays",
                "grouping.worker",
                "notifications.worker",
                "notifications.mail",
                "broker",
                "flush",
            )
        )
        if name == "flush":
            flush(scene)
        elif name == "broker" and rig.broker is not None:
            rig.broker.end()
            rig.broker.start()
        else:
            with suppress(LookupError):
                kill(rig.pid(name))
        time.sleep(0.1 + secrets.randbelow(900) / 1000)
