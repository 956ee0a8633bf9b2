"""A mail server that is slow, puts off, dies, or does not answer."""

from __future__ import annotations

import time

from tests.faults.harm.processes import kill_it
from tests.faults.harm.scene import REACHED_WITHIN_S, Harm, Scene


def behaves(how: str) -> Harm:
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
