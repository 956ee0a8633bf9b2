"""A worker that is killed while it seats somebody who has just come to the welcome desk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.faults import gates
from tests.faults.crowd import Ask, Hand
from tests.faults.harm.scene import REACHED_WITHIN_S, Scene
from tests.faults.rig import kill

# So many sit already when the first of those comes, in three groups.
SEATED = 9
FORMED_WITHIN_S = 60.0


class Desk:
    """A gathering of its own whose groups are in force, so that whoever arrives is seated at once."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.rig = scene, scene.rig
        self.hand = Hand(scene.rig.address, scene.crowd.here.token, scene.crowd.stop)
        stamp = scene.crowd.stamp
        made = self._post(
            "/api/registration/gatherings",
            title=f"Desk {stamp}",
            place="The other hall",
            seats=500,
            organiser_name="Cy",
            reply_to="cy@people.example",
            starts_at="2031-05-02T09:00:00+02:00",
            ends_at="2031-05-02T17:00:00+02:00",
            angles=[{"number": number, "name": f"Angle {number}"} for number in (1, 2, 3)],
        )
        self.gathering = str(made["gathering_id"])
        self._post(f"/api/registration/gatherings/{self.gathering}/open")
        self.came = 0
        self.people: list[str] = []
        for _ in range(SEATED):
            self.arrive()
        self._form()
        # Those were seated by the plan; only who comes from now on is looked at.
        self.people = []

    def _post(self, path: str, **body: Any) -> Any:
        return self.hand.ask(Ask(path, body))

    def _get(self, path: str) -> Any:
        return self.hand.ask(Ask(path, {}, method="GET"))

    def arrive(self) -> str:
        """Somebody comes unannounced; returns their id."""
        self.came += 1
        name = f"{self.scene.crowd.stamp}d{self.came}"
        about = {"given": f"Ida{self.came}", "family": name, "email": f"{name}@desk.example"}
        came = self._post(f"/api/registration/gatherings/{self.gathering}/walk-ins", **about)
        person = str(came["participant_id"])
        self.scene.crowd.strangers.add(person.replace("-", ""))
        self.people.append(person)
        return person

    def _form(self) -> None:
        people = f"/api/grouping/gatherings/{self.gathering}/people"
        _until(lambda: len(self._get(people)["items"]) == self.came, "nobody is known to grouping")
        begun = self._post(f"/api/grouping/gatherings/{self.gathering}/rounds", kind="angles")
        address = f"/api/grouping/rounds/{begun['round_id']}"
        _until(lambda: self._get(address)["state"] == "draft", "no groups were formed")
        self._post(f"{address}/publish")

    def seats(self, person: str) -> int:
        """How often the desk finds somebody seated."""
        address = f"/api/grouping/gatherings/{self.gathering}/whereabouts?participant_id={person}"
        return len(self._get(address)["items"])

    def look(self) -> list[str]:
        """What is wrong with those who came, once it is quiet; a line each."""
        wrong = []
        for person in self.people:
            key = {"person": UUID(person).hex if self.rig.is_sqlite else person}
            placements = "select count(*) from placements where participant_id = :person"
            letters = "select count(*) from letters where participant_id = :person and kind = 'placement'"
            got = {
                "seats at the desk": self.seats(person),
                "placements": self.rig.count("grouping", placements, **key),
                "facts told": self._told(person),
                "letters": self.rig.count("notifications", letters, **key),
            }
            wrong += [f"a walk-in has {many} {what}, not 1" for what, many in got.items() if many != 1]
        return wrong

    def _told(self, person: str) -> int:
        bodies = "select body from outbox where type = 'grouping.person_placed.v1'"
        return sum(person in str(row.body) for row in self.rig.rows("grouping", bodies))


def seating(scene: Scene) -> None:
    """The worker is killed while it gives a seat to somebody who has just arrived; they wait at the desk for it."""
    if not scene.done:
        desk = Desk(scene)
        scene.keep["desk"] = desk
        scene.afterwards.append(desk.look)
    desk = scene.keep["desk"]
    rig, process = scene.rig, scene.row.process
    reached = gates.arm(rig.gates, process, scene.row.phase)
    person = desk.arrive()
    _until(reached.exists, f"{process} never came by “{scene.row.phase}”", REACHED_WITHIN_S)
    pid = int(reached.read_text())
    kill(pid)
    rig.another(process, pid)
    began = time.monotonic()
    _until(lambda: desk.seats(person) > 0, "somebody who arrived was never seated")
    scene.notes.append(f"seated after {time.monotonic() - began:.1f} s")


def _until(is_so: Callable[[], bool], else_: str, within_s: float = FORMED_WITHIN_S) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(else_)
        time.sleep(0.02)
