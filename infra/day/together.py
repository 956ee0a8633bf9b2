"""Who sits with whom: angles, topic groups, the door on the day, and the few moves that put it right again."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Collection
from typing import Any
from unicodedata import normalize

from infra.day.browser import Browser, Refusal
from infra.day.ledger import twice_and_lost
from infra.day.page import Page
from infra.day.scene import Guest, Scene
from infra.sample import words

FORMED_WITHIN_S = 60.0
DESKS = 3
# One person in so many looks at their own page, not only at the letter.
LOOKING = 6


def angles(scene: Scene) -> None:
    """Everybody gets a listening angle, balanced, and one letter that says which."""
    _round(scene, "Angles", "angles", len(words.ANGLES))


def groups(scene: Scene) -> None:
    """Everybody gets a table, one for each topic with its carrier, and one letter."""
    _round(scene, "Groups", "topics", len(scene.cast.topics))


def _round(scene: Scene, name: str, kind: str, how_many: int) -> None:
    coming = scene.who("registered")
    with scene.board.step(name, len(coming)) as step:
        _everybody_known(scene, {guest.id for guest in coming})
        form = scene.organiser.get(f"/g/{scene.slug}").form("/temps$", having="kind")
        page = scene.organiser.send(form.fill(kind=kind))
        number = int(page.url.rpartition("/")[2])
        listed = scene.desk.get(f"/api/grouping/gatherings/{scene.gathering_id}/rounds")
        round_id = next(one["round_id"] for one in listed["items"] if one["number"] == number)
        scene.rounds[kind] = round_id
        page = _worked_out(scene, page.url, "/publier$")
        for guest in coming:
            scene.ledger.promise(guest.email, "placement")
        scene.organiser.send(page.form("/publier$"))
        board = scene.desk.get(f"/api/grouping/rounds/{round_id}")
        scene.ledger.same(board["state"], "published", f"{kind}: the plan is in force")
        scene.ledger.same(len(board["groups"]), how_many, f"{kind}: one group for each")
        _rules(scene, board, {guest.id for guest in coming})
        order = 0 if kind == "angles" else 1
        scene.crowd(step, coming, lambda guest: _read_place(scene, guest, board, order))
        mixed = Counter(group["mix"]["territories"] for group in board["groups"])
        colleagues = sum(group["mix"]["colleagues"] for group in board["groups"])
        first = board["fairness"]["first"]
        step.notes.append(
            f"{len(board['groups'])} groups of {_sizes(board)}, territories at a table {dict(mixed)}"
        )
        step.notes.append(
            f"{colleagues} colleagues together" + (f", {first} first wishes" if kind == "topics" else "")
        )


def _everybody_known(scene: Scene, wanted: Collection[str], states: Collection[str] = ("registered",)) -> None:
    """Wait until grouping knows the same people as registration: nobody missing, nobody twice."""
    give_up = time.monotonic() + FORMED_WITHIN_S
    while True:
        people = scene.desk.all(f"/api/grouping/gatherings/{scene.gathering_id}/people")
        held = [one["participant_id"] for one in people if one["state"] in states]
        twice, lost, more = twice_and_lost(held, wanted)
        if (twice, lost, more) == (0, 0, 0) or time.monotonic() > give_up:
            break
        time.sleep(0.2)
    scene.ledger.same((twice, lost, more), (0, 0, 0), "grouping knows everybody once (twice, lost, unknown)")


def _worked_out(scene: Scene, address: str, action: str) -> Page:
    """The board, once it offers what was asked for: the page refreshes itself meanwhile, and so do we."""
    give_up = time.monotonic() + FORMED_WITHIN_S
    while True:
        page = scene.organiser.get(address)
        if page.has_form(action):
            return page
        if time.monotonic() > give_up:
            raise Refusal(f"The board does not come to {action!r}: {page.text[:600]!r}")
        time.sleep(0.3)


def _rules(scene: Scene, board: Any, wanted: Collection[str], away: Collection[str] = ()) -> None:
    """Each person in one group, sizes within one, each carrier with their own topic."""
    kind, seats = board["kind"], [seat for group in board["groups"] for seat in group["members"]]
    here = [seat["participant_id"] for seat in seats if seat["participant_id"] not in away]
    twice, lost, more = twice_and_lost(here, wanted)
    scene.ledger.same((twice, lost, more), (0, 0, 0), f"{kind}: everybody in one group (twice, lost, unknown)")
    sizes = [sum(seat["participant_id"] not in away for seat in group["members"]) for group in board["groups"]]
    scene.ledger.hold(max(sizes) - min(sizes) <= 1, f"{kind}: sizes within one: {sizes}")
    if kind == "topics":
        for group in board["groups"]:
            carrier = scene.carriers[group["question"]]
            at_table = {seat["participant_id"]: seat["role"] for seat in group["members"]}
            scene.ledger.same(
                at_table.get(carrier.id), "carrier", f"the carrier of {group['question']!r} is there"
            )


def _sizes(board: Any) -> str:
    sizes = sorted({len(group["members"]) for group in board["groups"]})
    return " or ".join(str(size) for size in sizes)


def _read_place(scene: Scene, guest: Guest, board: Any, order: int) -> None:
    """The letter names the group; whoever follows its link finds the same group on their own page."""
    letter = scene.letter(guest, "placement", known=order)
    name = next(
        (
            group["name"]
            for group in board["groups"]
            if any(seat["participant_id"] == guest.id for seat in group["members"])
        ),
        "",
    )
    scene.ledger.hold(bool(name), f"{guest.person.name} has a group")
    scene.ledger.hold(_plain(name) in _plain(letter.text), f"the letter to {guest.email} says {name!r}")
    if guest.person.number % LOOKING == order:
        page = guest.browser.get(letter.link("/moi/"))
        page = guest.browser.get(page.link("/g/"))
        scene.ledger.hold(_plain(name) in _plain(page.text), f"the page of {guest.person.name} says {name!r}")


def _plain(text: str) -> str:
    return "".join(sign for sign in normalize("NFC", text) if sign.isalnum()).casefold()


def check_in(scene: Scene) -> None:
    """Names are called at the door; some do not come, some come unannounced; who is missing is noted."""
    coming = scene.who("registered")
    needed = {guest.id for guest in scene.carriers.values()}
    # Who oversleeps is drawn once for each size of the day; carriers come.
    chance = random.Random(scene.cast.seats)  # noqa: S311
    missing = chance.sample([guest for guest in coming if guest.id not in needed], scene.cast.no_shows)
    arriving = [guest for guest in coming if guest not in missing]
    address = f"/o/{scene.slug}/accueil"
    with scene.board.step("Check-in", len(arriving)) as step:
        scene.hands, hands = DESKS, scene.hands
        scene.crowd(step, arriving, lambda guest: _arrive(scene, guest, address))
        scene.crowd(step, scene.walk_ins, lambda guest: _walk_in(scene, guest, address))
        scene.hands = hands
        scene.organiser.send(scene.organiser.get(address).form("/absences"))
        for guest in missing:
            guest.state = "absent"
        _find_walk_ins(scene)
        states = Counter(one["state"] for one in scene.listing())
        scene.ledger.same(states["present"], len(arriving) + len(scene.walk_ins), "people here")
        scene.ledger.same(states["no_show"], len(missing), "people missing")
        step.notes.append(f"{len(arriving)} here, {len(missing)} missing, {len(scene.walk_ins)} unannounced")


def _desk_hand(scene: Scene) -> Browser:
    hand = Browser(scene.lines, scene.base)
    hand.client.cookies.update(scene.organiser.client.cookies)
    return hand


def _arrive(scene: Scene, guest: Guest, address: str) -> None:
    hand = _desk_hand(scene)
    page = hand.get(f"{address}?q={_searched(guest.person.name)}")
    hand.send(page.form(f"/accueil/{guest.id}"))
    guest.state = "present"


def _searched(name: str) -> str:
    bare = "".join(sign for sign in normalize("NFKD", name) if sign.isalpha() or sign in " -")
    return "+".join(bare.lower().split()[:2])


def _walk_in(scene: Scene, guest: Guest, address: str) -> None:
    hand, person = _desk_hand(scene), guest.person
    form = hand.get(address).form("/passage", having="given")
    form.fill(
        given=person.given, family=person.family, email=person.email, territory=person.territory,
        trade=person.trade, structure=person.structure,
    )  # fmt: skip
    hand.send(form)
    scene.ledger.promise(person.email, "registered")
    guest.state = "present"


def _find_walk_ins(scene: Scene) -> None:
    ids = {(one["email"], one["given"]): one["participant_id"] for one in scene.listing() if one["walk_in"]}
    for guest in scene.walk_ins:
        guest.id = ids.get((guest.email, guest.person.given), "")
        scene.ledger.hold(bool(guest.id), f"{guest.person.name} walked in")


def rebalance(scene: Scene) -> None:
    """The fewest moves that restore the rules are shown first, then applied; only who moves is told, once."""
    here = scene.who("present") + scene.walk_ins
    away = {guest.id for guest in scene.guests if guest.state != "present"}
    wanted = {guest.id for guest in here}
    with scene.board.step("Re-balance") as step:
        # Also that nobody else is still expected: until the absences are known, a re-balance would seat the absent.
        _everybody_known(scene, wanted, ("present", "registered"))
        moved_in_all = 0
        came = {guest.id for guest in scene.walk_ins}
        for kind, round_id in scene.rounds.items():
            address = f"/api/grouping/rounds/{round_id}"
            board = scene.desk.get(address)
            before = _places(board)
            scene.ledger.same(came & before.keys(), came, f"{kind}: who walked in was seated at once")
            for guest in scene.walk_ins:
                scene.ledger.promise(guest.email, "placement")
            sheet = f"/g/{scene.slug}/temps/{board['number']}"
            form = scene.organiser.get(sheet).form("/reequilibrer$")
            scene.organiser.send(form.fill(policy="sizes") if form.has("policy") else form)
            page = _worked_out(scene, sheet, "/reequilibrer/appliquer$")
            proposal = scene.desk.get(f"{address}/rebalance")
            scene.ledger.same(_places(scene.desk.get(address)), before, f"{kind}: a preview moves nobody")
            moved = {one["participant_id"] for one in proposal["moves"] if one["before"] is not None}
            new = {one["participant_id"] for one in proposal["moves"] if one["before"] is None}
            for guest in here:
                if guest.id in moved:
                    scene.ledger.promise(guest.email, "moved")
            scene.organiser.send(page.form("/reequilibrer/appliquer$"))
            board = scene.desk.get(address)
            _rules(scene, board, wanted, away)
            after = _places(board)
            changed = {one for one in wanted if one in before and before[one] != after.get(one)}
            scene.ledger.same(changed, moved, f"{kind}: exactly those move who were announced")
            scene.ledger.same(new, set(), f"{kind}: nobody still waits for a seat")
            moved_in_all += len(moved)
            step.notes.append(f"{kind}: {len(moved)} move, {len(came)} were seated as they came")
        scene.mailbox.wait_for("moved", moved_in_all)
        scene.figures["moves"] = moved_in_all


def _places(board: Any) -> dict[str, int]:
    return {seat["participant_id"]: group["number"] for group in board["groups"] for seat in group["members"]}


def syntheses(scene: Scene) -> None:
    """Each circle writes what it heard as a few modalities of action."""
    with scene.board.step("Syntheses", len(words.ANGLES)) as step:
        for number, _angle in enumerate(words.ANGLES, 1):
            lines = words.MODALITIES[number % 2 :]
            page = scene.organiser.get(f"/g/{scene.slug}/syntheses/{number}")
            form = page.form("/syntheses/", having="modalities")
            scene.organiser.send(form.fill(modalities="\n".join(lines)))
            scene.board.tick(step)
        written = scene.desk.all(f"/api/grouping/gatherings/{scene.gathering_id}/syntheses")
        scene.ledger.same([one["angle"] for one in written], list(words.ANGLES), "each angle has its synthesis")
        step.notes.append(f"{len(written)} angles, {sum(len(one['modalities']) for one in written)} modalities")
