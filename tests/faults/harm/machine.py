"""A disk that is full, and clocks that are set."""

from __future__ import annotations

import time
from contextlib import suppress

from tests.faults import clock
from tests.faults.harm.scene import Harm, Scene


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


def moved(seconds: int, *processes: str, for_good: bool = False) -> Harm:
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
