"""People at the public doors: they register, confirm by their letters, change, cancel, come back and arrive.

Every request carries an Idempotency-Key and is sent until it is answered, as a careful browser or program would. What
was accepted is written down; `history.py` holds the services against it.
"""

from __future__ import annotations

import http.client
import json
import queue
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from tests.faults.rig import Rig

ANSWER_WITHIN_S = 10.0
# Between two tries of one request: the door is shut while its process is started again.
REST_S = 0.1
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
TRADES = ("nurse", "teacher", "farmer", "carpenter")
TERRITORIES = "ABCDEF"
# Facts that each life tells, deliveries counted, by its kind; see the lives below.
FACTS_A_LIFE = 6


@dataclass(frozen=True)
class Ask:
    """One request: JSON for programs, or a form with its token."""

    path: str
    body: dict[str, Any]
    form: bool = False
    method: str = "POST"


class Letter:
    """The next letter to this person; its personal token is the answer."""


@dataclass
class Life:
    """One person: what they did that was accepted, and what must therefore be so."""

    number: int
    email: str
    details: dict[str, str]
    steps: Generator[Ask | Letter, Any, None] = field(init=False)
    # What must be true in the end.
    state: str = ""
    facts: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    waits: Ask | None = None
    token: str = ""

    def tell(self, *facts: str, state: str, letters: tuple[str, ...] = ()) -> None:
        self.facts.update(facts)
        self.state = state
        if self.email:
            self.letters.update(letters)


@dataclass
class Gathering:
    """What the lives of one row come to."""

    id: str
    slug: str
    token: str


def walk_in(life: Life, here: Gathering) -> Generator[Ask | Letter, Any, None]:
    """Comes unannounced; changes a detail once the letter is there."""
    yield Ask(f"/api/registration/gatherings/{here.id}/walk-ins", {**life.details, "email": life.email})
    life.tell("participant_registered", "participant_checked_in", state="present", letters=("registered",))
    if not life.email:
        return
    token = yield Letter()
    yield from _change(life, token)


def newcomer(life: Life, here: Gathering) -> Generator[Ask | Letter, Any, None]:
    """Asks, confirms, changes, and arrives on the day."""
    token = yield from _confirmed(life, here)
    yield from _change(life, token)
    found = yield Ask(
        f"/api/registration/gatherings/{here.id}/participants?q={life.details['family']}", {}, method="GET"
    )
    person = found["items"][0]["participant_id"]
    yield Ask(f"/api/registration/gatherings/{here.id}/participants/{person}/check-in", {})
    life.tell("participant_checked_in", state="present")


def waverer(life: Life, here: Gathering) -> Generator[Ask | Letter, Any, None]:
    """Asks, confirms, cancels, and comes back."""
    token = yield from _confirmed(life, here)
    yield Ask(f"/moi/{token}/annuler", {}, form=True)
    life.tell("participant_cancelled", state="cancelled", letters=("cancelled",))
    yield Letter()
    yield Ask(f"/moi/{token}/revenir", {}, form=True)
    life.tell("participant_restored", state="registered", letters=("restored",))
    yield Letter()


def _confirmed(life: Life, here: Gathering) -> Generator[Ask | Letter, Any, str]:
    yield Ask(
        f"/api/registration/gatherings/{here.id}/registrations",
        {**life.details, "email": life.email, "language": "fr"},
    )
    life.tell("address_to_confirm", state="pending_email", letters=("confirm-address",))
    token: str = yield Letter()
    yield Ask(f"/moi/{token}/confirmer", {}, form=True)
    life.tell("participant_registered", state="registered", letters=("registered",))
    yield Letter()
    return token


def _change(life: Life, token: str) -> Generator[Ask | Letter, Any, None]:
    territory = TERRITORIES[(TERRITORIES.index(life.details["territory"]) + 1) % len(TERRITORIES)]
    changed = {**life.details, "territory": territory, "structure": f"House {life.number}"}
    yield Ask(f"/moi/{token}/modifier", {**changed, "language": "fr"}, form=True)
    life.details = changed
    # Its letter waits for more news, and for the morning: nobody waits for it.
    life.tell("participant_changed", state=life.state, letters=("changed",))


LIVES = (walk_in, newcomer, waverer, walk_in)


class Refused(Exception):
    """The platform said no, or broke, where it must not."""


class Hand:
    """One pair of hands on one kept connection; sends a request until it is answered below 500."""

    def __init__(self, address: str, token: str, until: threading.Event) -> None:
        parts = urlsplit(address)
        self._place = (parts.hostname or "", parts.port or 80)
        self._token, self._until = token, until
        self._line: http.client.HTTPConnection | None = None
        self._csrf = self._cookie = ""
        self.again = 0

    def ask(self, ask: Ask) -> Any:
        """The answer's JSON, or {} for a page. Raises Refused."""
        key = uuid4().hex
        if ask.form and not self._csrf:
            self._take_token(ask.path.rpartition("/")[0])
        while True:
            try:
                status, body = self._once(ask, key)
            except (OSError, http.client.HTTPException):
                status, body = 599, b""
            if status < 500:
                break
            self._hang_up()
            self.again += 1
            if self._until.wait(REST_S):
                raise Refused(f"{ask.method} {_shape(ask.path)}: no answer, {status}")
        if status >= 400:
            raise Refused(f"{ask.method} {_shape(ask.path)}: {status} {body[:200].decode(errors='replace')}")
        with suppress(ValueError):
            return json.loads(body)
        return {}

    def _once(self, ask: Ask, key: str) -> tuple[int, bytes]:
        headers = {"Idempotency-Key": key, "Accept-Language": "fr"}
        body: bytes | None = None
        if ask.form:
            body = urlencode({**ask.body, "csrf_token": self._csrf}).encode()
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self._cookie}
        elif ask.method == "POST":
            body = json.dumps(ask.body).encode()
            headers["Content-Type"] = "application/json"
        if ask.path.startswith("/api/"):
            headers["Authorization"] = f"Bearer {self._token}"
        line = self._line = self._line or http.client.HTTPConnection(*self._place, timeout=ANSWER_WITHIN_S)
        line.request(ask.method, ask.path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read()

    def _take_token(self, path: str) -> None:
        """A form's token is good for every form of this browser, so one page is looked at."""
        while not self._until.is_set():
            try:
                line = http.client.HTTPConnection(*self._place, timeout=ANSWER_WITHIN_S)
                line.request("GET", f"{path}/modifier")
                answer = line.getresponse()
                page = answer.read().decode(errors="replace")
                found = TOKEN.search(page)
                if answer.status == 200 and found:
                    cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
                    kept = [one.partition(";")[0] for one in cookies]
                    self._cookie = "; ".join(one for one in kept if one.startswith("palabre_registration"))
                    self._csrf = found[1]
                    return
            except (OSError, http.client.HTTPException):
                pass
            self._until.wait(REST_S)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class Crowd:
    """Lives that go on at once, a few hands at a time."""

    def __init__(self, rig: Rig, *, facts: int, hands: int, stamp: str) -> None:
        self.rig, self.stamp = rig, stamp
        self.invited = facts // 3
        self.lives = [self._born(number) for number in range(max(4, (facts - self.invited) // FACTS_A_LIFE))]
        self.ready: queue.Queue[Life] = queue.Queue()
        self.by_email = {life.email: life for life in self.lives if life.email}
        self.came: dict[str, list[str]] = defaultdict(list)
        self.taken: dict[str, int] = defaultdict(int)
        self.letters: list[dict[str, Any]] = []
        self.waiting: dict[str, Life] = {}
        self.working = 0
        self.answered = 0
        self.again = 0
        self.troubles: list[str] = []
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.here = Gathering("", "", "")
        # People whom a fault brought in by itself, by their ids: nobody's life is theirs.
        self.strangers: set[str] = set()
        self._hands = hands
        self._threads: list[threading.Thread] = []
        self.expected = sum(_requests(life) for life in self.lives) + 2

    def _born(self, number: int) -> Life:
        email = f"{self.stamp}-{number}@people.example" if number % len(LIVES) != 3 else ""
        details = {
            "given": f"Ada{number}",
            "family": f"{self.stamp}x{number}",
            "territory": TERRITORIES[number % len(TERRITORIES)],
            "trade": TRADES[number % len(TRADES)],
            "structure": "",
        }
        return Life(number, email, details)

    def open(self, token: str) -> None:
        """Make the gathering of this row and open it; `token` is an organiser's."""
        hand = Hand(self.rig.address, token, self.stop)
        made = hand.ask(
            Ask(
                "/api/registration/gatherings",
                {
                    "title": f"Table {self.stamp}",
                    "place": "The hall",
                    "seats": 90_000,
                    "organiser_name": "Cy",
                    "reply_to": "cy@people.example",
                    "starts_at": "2031-05-02T09:00:00+02:00",
                    "ends_at": "2031-05-02T17:00:00+02:00",
                    "territories": [{"name": f"Territory {letter}"} for letter in TERRITORIES],
                    "trades": list(TRADES),
                },
            )
        )
        self.here = Gathering(made["gathering_id"], made["slug"], token)
        hand.ask(Ask(f"/api/registration/gatherings/{self.here.id}/open", {}))

    def begin(self) -> None:
        """Let everybody come; the list of the invited first."""
        for life in self.lives:
            life.steps = LIVES[life.number % len(LIVES)](life, self.here)
            self.ready.put(life)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._hands)]
        self._threads += [threading.Thread(target=once, daemon=True) for once in (self._invite, self._fetch)]
        for thread in self._threads:
            thread.start()

    @property
    def progress(self) -> float:
        """Of all requests, the share that was answered: 0 … 1."""
        return min(1.0, self.answered / self.expected)

    def is_idle(self) -> bool:
        """Nobody asks for anything now; some may wait for a letter."""
        with self.lock:
            return not self.working and self.ready.empty() and self.answered >= 2

    def end(self) -> None:
        """Send everybody home."""
        self.stop.set()
        for thread in self._threads:
            thread.join(ANSWER_WITHIN_S + 5)
        self.absorb()

    def absorb(self) -> None:
        """Read what the mail server took, and let those go on who waited for it."""
        with self.lock:
            for letter in self.rig.sink.fresh():
                self.letters.append(letter)
                if letter["message_id"] not in self.came[letter["to"]]:
                    self.came[letter["to"]].append(letter["message_id"])
                life = self.waiting.get(letter["to"])
                if life is not None and self._has_letter(life):
                    del self.waiting[letter["to"]]
                    life.token = letter["token"]
                    self.ready.put(life)

    def _has_letter(self, life: Life) -> bool:
        return len(self.came[life.email]) > self.taken[life.email]

    def _fetch(self) -> None:
        while not self.stop.wait(0.05):
            self.absorb()

    def _invite(self) -> None:
        """A list of many people in one go: as many facts in one request."""
        hand = Hand(self.rig.address, self.here.token, self.stop)
        lines = [
            f"Bo{number};{self.stamp}y{number};{self.stamp}-i{number}@invited.example"
            for number in range(self.invited)
        ]
        address = f"/api/registration/gatherings/{self.here.id}/imports"
        with self.lock:
            self.working += 1
        try:
            staged = hand.ask(Ask(address, {"csv": "\n".join(["prénom;nom;courriel", *lines])}))
            apply = Ask(f"{address}/{staged['import_id']}/apply", {})
            # A long list is applied in parts, and to ask again tells how far it is.
            while (applied := hand.ask(apply))["applied_at"] is None and not self.stop.wait(REST_S):
                pass
            if applied["invited"] != self.invited:
                self._note(f"{applied['invited']} of {self.invited} invited")
        except Refused as no:
            self._note(str(no))
        with self.lock:
            self.working -= 1
            self.answered += 2
            self.again += hand.again

    def _work(self) -> None:
        hand = Hand(self.rig.address, self.here.token, self.stop)
        while not self.stop.is_set():
            try:
                with self.lock:
                    life = self.ready.get_nowait()
                    self.working += 1
            except queue.Empty:
                time.sleep(0.01)
                continue
            try:
                self._live(life, hand)
            except Refused as no:
                self._note(str(no))
            finally:
                with self.lock:
                    self.working -= 1
        with self.lock:
            self.again += hand.again

    def _live(self, life: Life, hand: Hand) -> None:
        """One step of a life, with what it waited for."""
        answer: Any = None
        if life.waits is not None:
            answer, life.waits = hand.ask(life.waits), None
            with self.lock:
                self.answered += 1
        elif life.token:
            answer, life.token = life.token, ""
            self.taken[life.email] += 1
        try:
            wanted = life.steps.send(answer)
        except StopIteration:
            return
        if isinstance(wanted, Ask):
            life.waits = wanted
            self.ready.put(life)
            return
        with self.lock:
            self.waiting[life.email] = life
        self._recheck(life)

    def _recheck(self, life: Life) -> None:
        """Its letter may have come before it began to wait."""
        with self.lock:
            if self.waiting.get(life.email) is life and self._has_letter(life):
                del self.waiting[life.email]
                mine = [letter for letter in self.letters if letter["to"] == life.email]
                life.token = mine[-1]["token"]
                self.ready.put(life)

    def _note(self, trouble: str) -> None:
        with self.lock:
            self.troubles.append(trouble)


def _requests(life: Life) -> int:
    return {0: 2, 1: 4, 2: 4, 3: 1}[life.number % len(LIVES)]


def _shape(path: str) -> str:
    return re.sub(r"[A-Za-z0-9_-]{20,}", "…", path.partition("?")[0])
