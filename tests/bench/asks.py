"""Asking a running platform for a re-balance, as an organiser's program does: from the question to the proposal."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from infra.day import play
from infra.day.board import Board
from infra.day.scene import Scene
from infra.day.street import Street
from services.chassis.auth import ORGANISER_COOKIE
from services.grouping.forming.moves import Policy
from tests.embedded import Platform

SEATS = 132
SEED = 1
HANDS = 8
FIRST_LOOK_S, LOOK_S = 0.04, 0.005
"""A page that is asked without a pause takes a processor from the answer."""
GIVE_UP_S = 10.0
REST_S = 0.15
"""Between two questions, so that none meets what the one before has left behind."""


def waits_ms(folder: Path, policies: tuple[Policy, ...], times: int) -> list[float]:
    """How long each of `times` questions on the reference day took, policies in turn, after people have arrived, stayed
    away and walked in. Raises AssertionError when the day does not get as far, or an answer does not come.
    """
    with ExitStack() as ends:
        platform = Platform(folder, "--no-sample")
        ends.callback(platform.stop)
        platform.wait_ready()
        here = Street(platform.address, platform.mailbox, platform.owner_link)
        scene = play.set_up(here, seats=SEATS, seed=SEED, hands=HANDS, board=Board(quiet=True))
        ends.callback(scene.mailbox.close)
        play.until_the_door(scene, here)
        if scene.ledger.broken:
            raise AssertionError(f"the day broke a rule before the re-balance: {scene.ledger.broken[0]}")
        token = scene.organiser.client.cookies[ORGANISER_COOKIE]
        scene.desk.client.headers["Authorization"] = f"Bearer {token}"
        return [_wait_ms(scene, policies[number % len(policies)]) for number in range(times)]


def _wait_ms(scene: Scene, policy: Policy) -> float:
    address = f"/api/grouping/rounds/{scene.rounds['topics']}/rebalance"
    time.sleep(REST_S)
    began = time.perf_counter()
    scene.desk.post(address, {"policy": policy})
    time.sleep(FIRST_LOOK_S)
    while (told := scene.desk.get(address))["state"] == "waiting":
        if time.perf_counter() - began > GIVE_UP_S:
            raise AssertionError(f"no proposal within {GIVE_UP_S:.0f} s")
        time.sleep(LOOK_S)
    took = time.perf_counter() - began
    if told["state"] != "ready":
        raise AssertionError(f"the re-balance was refused: {told}")
    scene.desk.post(f"{address}/discard")
    return 1000 * took
