"""What befalls: each word of a row's `fault` is a function here that does it once and returns when it is over."""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
import redis

from tests.faults import clock, gates
from tests.faults.broker import Broker
from tests.faults.crowd import Ask, Crowd, Hand
from tests.faults.queues import Queue
from tests.faults.rig import Make, Rig, kill
from tests.faults.rows import Row
from tests.faults.street import LETHAL
from tests.postgres import Server

REACHED_WITHIN_S = 30.0
FREEZE_S = 5.0
CUT_S = 6.0
# A local hop takes 0.1 ms or less.
SLOW_S = 0.01
REPLACED_WITHIN_S = 120.0
DEAD_WITHIN_S = 240.0


@dataclass
class Scene:
    """What a fault may touch, and what it leaves: `ended_at` is when the last one was over (time.time())."""

    rig: Rig
    row: Row
    crowd: Crowd
    done: int = 0
    ended_at: float = 0.0
    notes: list[str] = field(default_factory=list)


WIRED = ("slow", "cut", "deaf", "mute", "drop", "lose")
Harm = Callable[[Scene], None]


def make_of(row: Row) -> Make:
    """The rig a row needs."""
    wired = (
        {"http": "web"}.get(row.process, row.process) if row.fault in WIRED or row.fault == "failover" else ""
    )
    return Make(
        row.database,
        row.broker,
        wired=wired,
        also="grouping.pool" if row.process == "grouping.child" else "",
        late=row.process if row.fault == "late" else "",
        disk=row.process == "disk",
        clock=row.process == "clock",
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


# Processes of the street


def _victim(scene: Scene) -> int:
    """The process that suffers: at once, or as soon as it stands at the row's phase."""
    row, rig = scene.row, scene.rig
    if row.phase:
        return int(_stands(scene).read_text())
    until = time.monotonic() + REACHED_WITHIN_S
    while True:
        try:
            return rig.pid(row.process)
        except LookupError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _stands(scene: Scene) -> Path:
    row, rig = scene.row, scene.rig
    name = f"{row.process[:-6]}.pool" if row.process.endswith(".child") else row.process
    reached = gates.arm(rig.gates, name, row.phase)
    until = time.monotonic() + REACHED_WITHIN_S
    while not reached.exists():
        if time.monotonic() > until:
            gates.disarm(rig.gates)
            raise TimeoutError(f"{row.process} never came by “{row.phase}”")
        time.sleep(0.005)
    return reached


def nothing(scene: Scene) -> None:
    """Nothing happens."""


def kill_it(scene: Scene) -> None:
    """SIGKILL; somebody else starts it again."""
    end_it(scene, signal.SIGKILL)


def end_it(scene: Scene, number: int = signal.SIGTERM) -> None:
    """SIGTERM, as a rolling update does. What belongs to the harness is started again by it, after half a second."""
    match scene.row.process:
        case "broker" if (broker := scene.rig.broker) is not None:
            broker.end(number)
            time.sleep(scene.row.lasts or 0.5)
            broker.start()
        case "database":
            server = _server(scene)
            if number == signal.SIGKILL:
                server.kill()
            else:
                server.stop()
            time.sleep(scene.row.lasts or 0.5)
            server.start()
        case "smtp":
            scene.rig.sink.send(number)
            time.sleep(scene.row.lasts or 0.5)
            scene.rig.sink.start()
        case process:
            pid = _victim(scene)
            kill(pid, number)
            scene.rig.another(process, pid)


def family(scene: Scene) -> None:
    """SIGKILL of a process and of all that come from it."""
    pid = _victim(scene)
    everyone = psutil.Process(pid).children(recursive=True)
    kill(pid)
    for child in everyone:
        kill(child.pid)
    scene.rig.another(scene.row.process, pid)


def loop(scene: Scene) -> None:
    """Killed five times, each time as soon as it is back."""
    for _ in range(5):
        kill_it(scene)
        time.sleep(0.2)


def freeze(scene: Scene) -> None:
    """SIGSTOP, and SIGCONT after a while."""
    pids = _pids(scene)
    for pid in pids:
        kill(pid, signal.SIGSTOP)
    time.sleep(scene.row.lasts or FREEZE_S)
    for pid in pids:
        kill(pid, signal.SIGCONT)


def _pids(scene: Scene) -> list[int]:
    match scene.row.process:
        case "broker" if (broker := scene.rig.broker) is not None:
            return [broker.pid]
        case "database":
            server = _server(scene)
            return [one.pid for one in psutil.process_iter(["cmdline"]) if _is_of(one, str(server.folder))]
        case "smtp":
            return [scene.rig.sink.pid]
        case _:
            return [_victim(scene)]


def _is_of(process: psutil.Process, folder: str) -> bool:
    with suppress(psutil.Error):
        mine = process if "postgres" in process.name() else None
        while mine is not None:
            if any(folder in word for word in mine.cmdline()):
                return True
            mine = mine.parent()
            if mine is not None and "postgres" not in mine.name():
                return False
    return False


def forsake(scene: Scene) -> None:
    """Frozen, or stopped at a place in its work, for ever: somebody must notice and replace it."""
    pid = _victim(scene)
    if not scene.row.phase:
        kill(pid, signal.SIGSTOP)
    waited = scene.rig.another(scene.row.process, pid, REPLACED_WITHIN_S)
    scene.notes.append(f"replaced after {waited:.1f} s")


def away(scene: Scene) -> None:
    """Stopped until nobody asks for anything any more: everything waits for it. Nobody is there to replace it."""
    pid, launcher = _victim(scene), scene.rig.pid("launcher")
    kill(launcher, signal.SIGSTOP)
    kill(pid, signal.SIGSTOP)
    until = time.monotonic() + (scene.row.lasts or 60)
    while time.monotonic() < until and not scene.crowd.is_idle():
        time.sleep(0.1)
    waiting = scene.rig.count(
        "registration",
        "select count(*) from delivery where acked_at is null and hearer = :hearer",
        hearer=scene.row.process.partition(".")[0],
    )
    scene.notes.append(f"{waiting} facts waited")
    kill(pid, signal.SIGCONT)
    kill(launcher, signal.SIGCONT)


def lethal(scene: Scene) -> None:
    """Somebody comes whose news kills each worker that hears it, until it is dead and an operator discards it."""
    rig, crowd, service = scene.rig, scene.crowd, scene.row.process.partition(".")[0]
    hand = Hand(rig.address, crowd.here.token, crowd.stop)
    person = {
        "given": LETHAL,
        "family": "Weapon",
        "email": "",
        "territory": "A",
        "trade": "nurse",
        "structure": "",
    }
    came = hand.ask(Ask(f"/api/registration/gatherings/{crowd.here.id}/walk-ins", person))
    crowd.strangers.add(came["participant_id"].replace("-", ""))
    began = time.monotonic()
    while not (dead := rig.rows(service, "select event_id from inbox where status = 'dead'")):
        if time.monotonic() - began > DEAD_WITHIN_S:
            raise TimeoutError("what kills its worker is never given up")
        time.sleep(0.2)
    scene.notes.append(f"given up after {time.monotonic() - began:.0f} s")
    rig.command(service, "dead", "discard", str(UUID(str(dead[0].event_id))))


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


# The broker


def _broker(scene: Scene) -> Broker:
    assert scene.rig.broker is not None
    return scene.rig.broker


def flush(scene: Scene) -> None:
    """The broker forgets everything."""
    _broker(scene).client.flushall()


def restore(scene: Scene) -> None:
    """The broker comes back with its files of a while ago."""
    broker = _broker(scene)
    broker.keep_files()
    time.sleep(scene.row.lasts or 2)
    broker.end()
    broker.restore_files()
    broker.start()


def fill(scene: Scene) -> None:
    """The broker has no memory left and refuses every write."""
    client = _broker(scene).client
    client.config_set("maxmemory", 1_000_000)
    with suppress(redis.RedisError):
        while True:
            client.lpush("rig:filler", "x" * 100_000)
    time.sleep(scene.row.lasts or 4)
    client.config_set("maxmemory", 0)
    client.delete("rig:filler")


def failover(scene: Scene) -> None:
    """The broker dies and its replica takes over, without what had not been copied; the next time it goes back."""
    rig, primary = scene.rig, _broker(scene)
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


# The network


def _order(*words: object) -> Harm:
    def act(scene: Scene) -> None:
        assert scene.rig.wire is not None
        scene.rig.wire.order(*words)
        time.sleep(scene.row.lasts or CUT_S)
        scene.rig.wire.order("heal")

    act.__doc__ = f"The wire is told: {words[0]}."
    return act


def drop(scene: Scene) -> None:
    """Every connection ends."""
    assert scene.rig.wire is not None
    scene.rig.wire.order("drop")


def lose(scene: Scene) -> None:
    """Ten answers are carried out and never heard."""
    assert scene.rig.wire is not None
    scene.rig.wire.order("lose", 10)
    time.sleep(1)


# Letters


def _mail(how: str) -> Harm:
    def act(scene: Scene) -> None:
        scene.rig.sink.behave(how)
        time.sleep(scene.row.lasts or 3)
        scene.rig.sink.behave("take")

    act.__doc__ = f"The mail server behaves: {how}."
    return act


def die(scene: Scene) -> None:
    """The mail server is killed after it took a letter whole and before it says so."""
    sink = scene.rig.sink
    sink.behave("die")
    until = time.monotonic() + REACHED_WITHIN_S
    while sink.is_alive() and time.monotonic() < until:
        time.sleep(0.005)
    if sink.is_alive():
        raise TimeoutError("no letter came by")
    sink.behave("take")
    sink.start()


def unanswered(scene: Scene) -> None:
    """The poster is killed while the mail server holds its answer to a letter it took."""
    rig, before = scene.rig, scene.rig.sink.size()
    rig.sink.behave("hold")
    until = time.monotonic() + REACHED_WITHIN_S
    while rig.sink.size() == before:
        if time.monotonic() > until:
            raise TimeoutError("no letter came by")
        time.sleep(0.002)
    kill_it(scene)
    rig.sink.behave("take")


# Disk and clock


def full(scene: Scene) -> None:
    """The disk of the databases is full for a while."""
    place = scene.rig.data / "disk" / "filler"
    with suppress(OSError), place.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(65536))
    time.sleep(scene.row.lasts or 4)
    place.unlink()
    server = scene.rig.server
    if server is not None and not server.is_alive():
        scene.notes.append("PostgreSQL ended by itself and was started again")
        server.start()


def _clock(seconds: int, *processes: str, for_good: bool = False) -> Harm:
    def act(scene: Scene) -> None:
        pids = [scene.rig.pid(process) for process in processes]
        clock.move(scene.rig.data / "clock", seconds, *pids)
        if not for_good:
            time.sleep(scene.row.lasts or 4)
            clock.move(scene.rig.data / "clock", 0, *pids)

    whose = " and ".join(processes) or "everybody"
    act.__doc__ = (
        f"The clock of {whose} jumps by {seconds} s{' for good' if for_good else ', and back after a while'}."
    )
    return act


# What is on the queue


def _queue(do: Callable[[Queue], None]) -> Harm:
    def act(scene: Scene) -> None:
        do(Queue(scene.rig))

    act.__doc__ = do.__doc__
    return act


def _while_relays_stand(do: Callable[[Queue], None]) -> Harm:
    def act(scene: Scene) -> None:
        pid = scene.rig.pid("relays")
        kill(pid, signal.SIGSTOP)
        try:
            time.sleep(scene.row.lasts or 2)
            do(Queue(scene.rig))
        finally:
            kill(pid, signal.SIGCONT)

    act.__doc__ = do.__doc__
    return act


def _server(scene: Scene) -> Server:
    assert scene.rig.server is not None
    return scene.rig.server


FAULTS: dict[str, Harm] = {
    "nothing": nothing,
    "kill": kill_it,
    "term": end_it,
    "family": family,
    "loop": loop,
    "freeze": freeze,
    "forsake": forsake,
    "away": away,
    "lethal": lethal,
    "storm": storm,
    "late": nothing,
    "flush": flush,
    "restore": restore,
    "fill": fill,
    "failover": failover,
    "slow": _order("slow", SLOW_S),
    "cut": _order("cut"),
    "deaf": _order("deaf"),
    "mute": _order("mute"),
    "drop": drop,
    "lose": lose,
    "idle": _mail("slow"),
    "refuse": _mail("later"),
    "die": die,
    "unanswered": unanswered,
    "full": full,
    "ahead": _clock(3600),
    "behind": _clock(-3600, for_good=True),
    "apart": _clock(-3600, "notifications.worker", "relays", for_good=True),
    "duplicate": _queue(Queue.duplicate),
    "unknown": _queue(Queue.unknown),
    "huge": _queue(Queue.huge),
    "garbage": _queue(Queue.garbage),
    "misshapen": _queue(Queue.misshapen),
    "backwards": _while_relays_stand(Queue.backwards),
    "gapped": _while_relays_stand(Queue.gapped),
}
