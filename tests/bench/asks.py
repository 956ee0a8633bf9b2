"""Asking a running platform for a re-balance, as an organiser's program does: from the question to the proposal."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from infra.day import invited, together
from infra.day.board import Board
from infra.day.browser import Browser, Lines, Program
from infra.day.ledger import Ledger
from infra.day.mailbox import Mailbox
from infra.day.play import ORGANISERS
from infra.day.scene import Scene
from infra.sample.cast import cast
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
        scene = _scene(platform)
        ends.callback(scene.mailbox.close)
        _until_the_door(scene, platform.owner_link)
        if scene.ledger.broken:
            raise AssertionError(f"the day broke a rule before the re-balance: {scene.ledger.broken[0]}")
        token = scene.organiser.client.cookies[ORGANISER_COOKIE]
        scene.desk.client.headers["Authorization"] = f"Bearer {token}"
        return [_wait_ms(scene, policies[number % len(policies)]) for number in range(times)]


def _scene(platform: Platform) -> Scene:
    lines, people = Lines(), cast(SEATS, SEED)
    mailbox = Mailbox(lines, platform.mailbox).open()
    organiser = Browser(lines, platform.address)
    desk = Program(lines, platform.address, organiser)
    scene = Scene(
        platform.address, lines, mailbox, people, Board(quiet=True), Ledger(), organiser, desk, hands=HANDS
    )
    scene.guests = [scene.guest(person) for person in people.invited]
    scene.walk_ins = [scene.guest(person) for person in people.walk_ins]
    return scene


def _until_the_door(scene: Scene, sign_in: str) -> None:
    invited.sign_in(scene, sign_in, ORGANISERS)
    invited.gathering(scene, "door")
    invited.invitations(scene)
    invited.forms(scene)
    invited.addresses(scene)
    invited.cancellations(scene)
    invited.offers(scene)
    invited.wishes(scene)
    together.angles(scene)
    together.groups(scene)
    together.check_in(scene)


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
