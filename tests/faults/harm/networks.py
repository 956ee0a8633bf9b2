"""Wires that are slow, cut or lose an answer, and hosts that nobody reaches."""

from __future__ import annotations

import time

from tests.faults.harm.scene import Harm, Scene

CUT_S = 6.0

_WAITING = "select count(*) from delivery where acked_at is null and hearer = :hearer"


def order(*words: object) -> Harm:
    def act(scene: Scene) -> None:
        scene.wire.order(*words)
        time.sleep(scene.row.lasts or CUT_S)
        scene.wire.order("heal")

    act.__doc__ = f"The wire is told: {words[0]}."
    return act


def cut(scene: Scene) -> None:
    """Nothing comes through: on the wire, or to and from a host while the others go on."""
    if scene.rig.net is None:
        order("cut")(scene)
        return
    hearer = scene.row.process.partition(".")[0]
    began, most = time.monotonic(), 0.0
    moved_at, before = began, scene.rig.count("registration", _WAITING, hearer=hearer)
    scene.host.cut()
    try:
        while time.monotonic() - began < (scene.row.lasts or CUT_S):
            time.sleep(0.2)
            waiting = scene.rig.count("registration", _WAITING, hearer=hearer)
            if waiting != before or not waiting:
                moved_at, before = time.monotonic(), waiting
            most = max(most, time.monotonic() - moved_at)
    finally:
        scene.host.heal()
    scene.notes.append(
        f"nothing moved for {most:.1f} s at most while the host was cut off, {before} facts waited"
    )


def drop(scene: Scene) -> None:
    """Every connection ends."""
    scene.wire.order("drop")


def lose(scene: Scene) -> None:
    """Ten answers are carried out and never heard."""
    scene.wire.order("lose", 10)
    time.sleep(1)
