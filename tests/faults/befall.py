"""What befalls: each word of a row's `fault`, what does it, and the rig it is done to."""

from __future__ import annotations

import time

from tests.faults.harm import ages, brokers, desks, machine, mail, messages, networks, processes
from tests.faults.harm.scene import Harm, Scene
from tests.faults.queues import Queue
from tests.faults.rig import Make
from tests.faults.rows import Row

# A local hop takes 0.1 ms or less.
SLOW_S = 0.01
WIRED = ("slow", "cut", "deaf", "mute", "drop", "lose", "failover")


def make_of(row: Row) -> Make:
    """The rig a row needs."""
    service, _, part = row.process.partition(".")
    wired = {"http": "web"}.get(row.process, row.process) if row.fault in WIRED and part != "host" else ""
    return Make(
        row.database,
        row.broker,
        wired=wired,
        also="grouping.pool" if row.process in ("grouping.child", "grouping.pool") else "",
        late=row.process if row.fault == "late" else "",
        disk=row.process == "disk",
        clock=row.process == "clock",
        age="older" if row.fault == "upgrade" else "",
        hosted=service if part == "host" else "",
    )


def befall(scene: Scene) -> None:
    """Do what the row says, as often as it says, spread over the first two thirds of the crowd's work."""
    row, act = scene.row, FAULTS[scene.row.fault]
    for number in range(row.times):
        share = 0.05 + 0.6 * number / max(1, row.times)
        while scene.crowd.progress < share and not scene.crowd.is_idle():
            time.sleep(0.02)
        act(scene)
        scene.done += 1
        scene.ended_at = time.time()


FAULTS: dict[str, Harm] = {
    "nothing": processes.nothing,
    "kill": processes.kill_it,
    "term": processes.end_it,
    "family": processes.family,
    "loop": processes.loop,
    "freeze": processes.freeze,
    "forsake": processes.forsake,
    "away": processes.away,
    "lethal": processes.lethal,
    "seating": desks.seating,
    "upgrade": ages.upgrade,
    "storm": brokers.storm,
    "late": processes.nothing,
    "flush": brokers.flush,
    "restore": brokers.restore,
    "fill": brokers.fill,
    "failover": brokers.failover,
    "slow": networks.order("slow", SLOW_S),
    "cut": networks.cut,
    "deaf": networks.order("deaf"),
    "mute": networks.order("mute"),
    "drop": networks.drop,
    "lose": networks.lose,
    "idle": mail.behaves("slow"),
    "refuse": mail.behaves("later"),
    "die": mail.die,
    "unanswered": mail.unanswered,
    "full": machine.full,
    "ahead": machine.moved(3600),
    "behind": machine.moved(-3600, for_good=True),
    "apart": machine.moved(-3600, "notifications.worker", "relays", for_good=True),
    "duplicate": messages.queued(Queue.duplicate),
    "unknown": messages.queued(Queue.unknown),
    "huge": messages.queued(Queue.huge),
    "garbage": messages.queued(Queue.garbage),
    "misshapen": messages.queued(Queue.misshapen),
    "backwards": messages.while_relays_stand(Queue.backwards),
    "gapped": messages.while_relays_stand(Queue.gapped),
}
