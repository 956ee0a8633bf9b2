"""Processes that are killed, ended, frozen, forsaken or sent away."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil

from tests.faults import gates
from tests.faults.crowd import Ask, Hand
from tests.faults.harm.scene import REACHED_WITHIN_S, Scene
from tests.faults.rig import kill
from tests.faults.street import LETHAL

FREEZE_S = 5.0
REPLACED_WITHIN_S = 120.0
DEAD_WITHIN_S = 240.0


def victim(scene: Scene) -> int:
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
            server = scene.server
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
        case _ if scene.rig.net is not None:
            scene.host.kill()
            time.sleep(scene.row.lasts)
        case process:
            pid = victim(scene)
            kill(pid, number)
            scene.rig.another(process, pid)


def family(scene: Scene) -> None:
    """SIGKILL of a process and of all that come from it."""
    pid = victim(scene)
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
            server = scene.server
            return [one.pid for one in psutil.process_iter(["cmdline"]) if _is_of(one, str(server.folder))]
        case "smtp":
            return [scene.rig.sink.pid]
        case _:
            return [victim(scene)]


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
    pid = victim(scene)
    if not scene.row.phase:
        kill(pid, signal.SIGSTOP)
    waited = scene.rig.another(scene.row.process, pid, REPLACED_WITHIN_S)
    scene.notes.append(f"replaced after {waited:.1f} s")


def away(scene: Scene) -> None:
    """Stopped until nobody asks for anything any more: everything waits for it. Nobody is there to replace it."""
    pid, launcher = victim(scene), scene.rig.pid("launcher")
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
