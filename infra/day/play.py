"""The whole day, in the order in which it happens."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.day import afterwards, checks, invited, street, together
from infra.day.board import Board, table
from infra.day.browser import Browser, Program
from infra.day.ledger import Ledger
from infra.day.mailbox import Mailbox
from infra.day.scene import Scene
from infra.day.street import NoStreet, Street
from infra.sample import words
from infra.sample.cast import cast

FIGURES = (
    "people", "registered", "waiting", "letters", "letters_twice", "letters_lost", "facts", "facts_lost",
    "facts_twice", "moves", "answers", "seconds",
)  # fmt: skip
MOST_SAID = 30
# The title of the day holds no figures: a letter's code is to be the only number of six.
LETTERS = "bcdfghjkmnpqrstvwxz"
# Who organises on a platform that was just started: with the sample gathering, and without.
ORGANISERS = (words.ORGANISER[2], "organisation@palabre.example")


def main(options: argparse.Namespace) -> int:
    """Find or start the platform, play, write the figures. Returns 0 when nothing went wrong."""
    board = Board()
    try:
        with ExitStack() as stack:
            here = _street(options, board, stack)
            figures = play(
                here, seats=options.people, seed=options.seed, hands=options.hands, board=board
            ).figures
    except NoStreet as trouble:
        board.say(str(trouble))
        return 2
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    board.say(f"\nThe figures are in {options.out}.")
    return 1 if figures["broken"] else 0


def _street(options: argparse.Namespace, board: Board, stack: ExitStack) -> Street:
    if options.base:
        if not (options.mailbox and options.sign_in):
            raise NoStreet("--base needs --mailbox and --sign-in: the letters are part of the day.")
        return Street(options.base.rstrip("/"), options.mailbox, options.sign_in)
    data: Path = options.data or street.DATA
    if (found := street.running(data)) is not None:
        board.say(f"Playing on {found.address}, which runs on {data}")
        return found
    own: Path = options.data or street.OWN_DATA
    board.say(f"Nothing runs on {data}: starting a platform on {own}")
    here = stack.enter_context(street.started(own))
    board.say(f"{here.seconds:6.1f} s Start: {here.address}")
    return here


@dataclass(frozen=True)
class Played:
    """What a day came to, as var/day.json says it, and an organiser who may sign in for the next one."""

    figures: dict[str, Any]
    organiser: str


def play(
    here: Street, *, seats: int, seed: int, hands: int, board: Board, organisers: Collection[str] = ORGANISERS
) -> Played:
    """Play one day with `seats` seats on a running platform. `organisers` may ask for a letter to come in by."""
    scene = set_up(here, seats=seats, seed=seed, hands=hands, board=board)
    before = checks.quiet(scene.lines, here.address)
    try:
        until_the_door(scene, here, organisers)
        _from_the_door_on(scene)
    except (
        Exception
    ) as trouble:  # an organiser's act that fails ends the day; its figures are told all the same
        scene.ledger.hold(False, f"the day ends in {board.steps[-1].name!r}: {trouble!r}")
    finally:
        figures = _reckoning(scene, before)
        scene.mailbox.close()
    return Played(figures, scene.colleague)


def set_up(here: Street, *, seats: int, seed: int, hands: int, board: Board) -> Scene:
    """Everybody in their place, before anything happens; `mailbox` is read on until it is closed."""
    lines, people = here.lines(), cast(seats, seed)
    mailbox = Mailbox(lines, here.mailbox).open()
    organiser = Browser(lines, here.address)
    desk = Program(lines, here.address, organiser)
    scene = Scene(
        here.address, lines, mailbox, people, board, Ledger(), organiser, desk, hands=hands, zone=here.zone
    )
    scene.guests = [scene.guest(person) for person in people.invited]
    scene.walk_ins = [scene.guest(person) for person in people.walk_ins]
    scene.figures["people"] = len(scene.guests) + len(scene.walk_ins)
    return scene


def until_the_door(scene: Scene, here: Street, organisers: Collection[str] = ORGANISERS) -> None:
    """From the first sign-in until everybody who comes is there, and those who stay away are noted."""
    invited.sign_in(scene, here.sign_in, organisers)
    stamp = "".join(secrets.choice(LETTERS) for _ in range(6))
    invited.gathering(scene, stamp)
    invited.colleague(scene, stamp)
    invited.invitations(scene)
    invited.forms(scene)
    invited.addresses(scene)
    invited.cancellations(scene)
    invited.offers(scene)
    invited.wishes(scene)
    together.angles(scene)
    together.groups(scene)
    together.check_in(scene)


def _from_the_door_on(scene: Scene) -> None:
    together.rebalance(scene)
    together.syntheses(scene)
    afterwards.questionnaire(scene)
    afterwards.answers(scene)
    afterwards.account(scene)


def _reckoning(scene: Scene, before: dict[str, dict[str, Any]]) -> dict[str, Any]:
    board, ledger = scene.board, scene.ledger
    with board.step("Reckoning") as step:
        after = checks.quiet(scene.lines, scene.base)
        scene.mailbox.look()
        scene.figures.update(checks.letters(scene))
        scene.figures.update(checks.facts(scene, before, after))
        ledger.same(scene.lines.failed, [], "nobody is shown a failure of the platform")
        step.notes.append(f"{scene.lines.requests} requests, {scene.lines.again} of them sent again")
    scene.figures["seconds"] = round(board.seconds, 1)
    figures = {name: scene.figures.get(name, 0) for name in FIGURES}
    figures["broken"] = ledger.broken
    board.say("\n" + table([(each.name, ", ".join(each.notes), f"{each.seconds:.1f}") for each in board.steps],
                           ("step", "what happened", "s")))  # fmt: skip
    board.say("\n" + ", ".join(f"{name.replace('_', ' ')} {figures[name]}" for name in FIGURES))
    for rule in ledger.broken[:MOST_SAID]:
        board.say(f"BROKEN {rule}")
    if len(ledger.broken) > MOST_SAID:
        board.say(f"… and {len(ledger.broken) - MOST_SAID} more, in the figures.")
    board.say("Every promise was kept." if not ledger.broken else f"{len(ledger.broken)} promises were broken.")
    return figures
