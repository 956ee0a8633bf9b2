"""Letters a second to a local mail server beside the ceiling of this machine, kills, and the way from POST to sink.

The ceiling is the same letters built as MIME and sent over kept connections by one process with nothing else, over one
line and over two, the better of them. Both are measured in turns in the same run, to the same real SMTP server
(aiosmtpd) in a process of its own. `python -m tests.bench.letters [letters]`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from aiosmtpd.smtp import Envelope, Session
from sqlalchemy import delete, func, select

from infra.day.board import Board, table
from services.chassis.db import Database
from services.notifications import deliveries
from services.notifications.lines import Line, Server
from services.notifications.models import Base, Delivery, Letter
from services.notifications.posters import seal
from services.notifications.posting import POSTERS
from services.notifications.writing import calendars, composing
from tests.bench import servers
from tests.bench.hops import quantiles_ms
from tests.bench.load import Visitor
from tests.bench.visits import open_gathering
from tests.embedded import Platform
from tests.postgres import free_port
from tests.unit.notifications.sink import Sink

OUT = Path("var/bench-letters.json")
SENDER = "palabre@passerelles.example"
LETTERS, ROUNDS, PROCESSES = 800, 5, (1, 2, 4)
KILLED, KILLS = 1500, 30
POSTS, A_SECOND = 150, 10
MORNING = datetime(2027, 4, 8, 7, 30, tzinfo=UTC)


def a_letter(number: int) -> Letter:
    """A confirmation as it is really written: text, HTML and calendar."""
    about: dict[str, Any] = {
        "given": f"Ada {number}",
        "family": "Kermarrec",
        "title": "La table de printemps",
        "purpose": "Croiser nos regards sur l'accompagnement.",
        "starts_at": MORNING,
        "ends_at": MORNING + timedelta(hours=7, minutes=30),
        "zone": "Europe/Paris",
        "place": "Salle du Tilleul, Rennes",
        "organiser": "Clarisse Fabre, pour Passerelles",
        "public_url": "https://palabre.example/r/table-de-printemps",
        "link": f"https://palabre.example/moi/{uuid4().hex}",
    }
    written = composing.write("registered", "fr", about=about)
    letter_id, now = uuid4(), datetime.now(UTC)
    appointment = calendars.Appointment(
        uid=f"{letter_id}@palabre.example",
        sequence=0,
        title=about["title"],
        purpose=about["purpose"],
        starts_at=about["starts_at"],
        ends_at=about["ends_at"],
        place=about["place"],
        url=about["public_url"],
        organiser_name=about["organiser"],
        organiser_email="equipe@passerelles.example",
        attendee_name=f"Ada {number} Kermarrec",
        attendee_email=f"person{number}@example.org",
    )
    return Letter(
        id=letter_id,
        kind="registered",
        version="1",
        dedupe_key=str(letter_id),
        message_id=f"<{letter_id}@palabre.example>",
        email=f"person{number}@example.org",
        name=f"Ada {number} Kermarrec",
        sender_name="Passerelles",
        reply_to="equipe@passerelles.example",
        language="fr",
        subject=written.subject,
        text=written.text,
        html=written.html,
        ics=calendars.render(appointment, "REQUEST", now=now),
        ics_method="REQUEST",
        is_solicitation=False,
        state="queued",
        next_at=now,
        attempts=0,
        created_at=now,
        queued_at=now,
    )


@contextmanager
def sink(folder: Path, port: int, *, slow: bool = False) -> Iterator[Path]:
    """A mail server in a process of its own; gives the file of what it accepted."""
    accepted = folder / f"accepted.{port}"
    accepted.touch()
    command = [sys.executable, "-m", "tests.unit.notifications.sink", str(port), str(accepted)]
    with servers.running([*command, "5" if slow else "0"], {}, folder / "sink.log"):
        servers.wait_open(port)
        yield accepted


def ceiling(letters: list[Letter], port: int, lines: int) -> float:
    """Letters a second when they are built and sent over this many kept lines, and nothing is written down."""
    opened = [Line(Server.at(f"smtp://127.0.0.1:{port}")) for _ in range(lines)]

    def send(line: Line, mine: list[Letter]) -> None:
        for letter in mine:
            message = seal(letter, SENDER)
            line.offer(SENDER, letter.email)
            line.hand(message)

    threads = [
        threading.Thread(target=send, args=(line, letters[number::lines])) for number, line in enumerate(opened)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - began
    for line in opened:
        line.close()
    return len(letters) / spent


def poster(url: str, port: int, folder: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tests.unit.notifications.poster",
        url,
        f"smtp://127.0.0.1:{port}",
        str(folder),
    ]


def palabre(database: Database, port: int, folder: Path, letters: list[Letter], processes: int) -> float:
    """Letters a second through this many sender processes, from the first that left to the last."""
    url = database.url.render_as_string(hide_password=False)
    _empty(database)
    # One letter far ahead keeps senders alive until all of them have started.
    with database.transaction() as session:
        session.add(_copy(letters[0], next_at=datetime.now(UTC) + timedelta(hours=1)))
    running = [subprocess.Popen(poster(url, port, folder), cwd=servers.ROOT) for _ in range(processes)]
    try:
        time.sleep(1.5 + 0.7 * processes)
        with database.transaction() as session:
            session.add_all([_copy(letter) for letter in letters])
        began = time.perf_counter()
        while _count(database, "sent") < len(letters):
            if time.perf_counter() > began + 120:
                raise TimeoutError("letters do not leave")
            time.sleep(0.05)
        with database.reading() as session:
            first, last = session.execute(select(func.min(Delivery.at), func.max(Delivery.at))).one()
        return len(letters) / (last - first).total_seconds()
    finally:
        for child in running:
            child.kill()
            child.wait()


def kills(database: Database, folder: Path, letters: list[Letter]) -> dict[str, int]:
    """Kill the sender and the server in turns, at any instant, until all letters are through."""
    _empty(database)
    url = database.url.render_as_string(hide_password=False)
    with database.transaction() as session:
        session.add_all([_copy(letter) for letter in letters])
    port, chance, done = free_port(), random.Random(5), 0  # noqa: S311
    accepted = folder / f"killed.{port}"
    accepted.touch()
    serve = [sys.executable, "-m", "tests.unit.notifications.sink", str(port), str(accepted), "5"]
    children = {"sink": subprocess.Popen(serve, cwd=servers.ROOT, stdout=subprocess.DEVNULL)}
    servers.wait_open(port)
    post = poster(url, port, folder)
    children["sender"] = subprocess.Popen(post, cwd=servers.ROOT)
    until = time.monotonic() + 300
    try:
        while _count(database, *deliveries.WAITING, "handed"):
            if time.monotonic() > until:
                raise TimeoutError("letters do not come through")
            before = len(accepted.read_bytes().splitlines())
            # Each is let work for a moment before it is killed, so that kills fall into letters and not into starts.
            while done < KILLS and time.monotonic() < until:
                if len(accepted.read_bytes().splitlines()) > before or not _count(
                    database, *deliveries.WAITING
                ):
                    break
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.15) if done < KILLS else 0.2)
            for name, command in (("sender", post), ("sink", serve)):
                is_next = done < KILLS and name == ("sender", "sink")[done % 2]
                if is_next:
                    children[name].kill()
                    children[name].wait()
                    done += 1
                if children[name].poll() is not None:
                    children[name] = subprocess.Popen(command, cwd=servers.ROOT, stdout=subprocess.DEVNULL)
                    break
    finally:
        for child in children.values():
            child.kill()
            child.wait()
    with database.transaction() as session:
        deliveries.doubt(session, datetime.now(UTC) + timedelta(minutes=10))
    arrived = Counter(accepted.read_text(encoding="utf-8").split())
    with database.reading() as session:
        states = {row.message_id: row.state for row in session.execute(select(Letter.message_id, Letter.state))}
    lost = [name for name in states if name not in arrived]
    return {
        "letters": len(letters),
        "kills": done,
        # Not even listed as unknown: nobody would ever look for it.
        "never": sum(states[name] != "unknown" for name in lost),
        "twice": sum(count > 1 for count in arrived.values()),
        "unknown": sum(state == "unknown" for state in states.values()),
        "unknown_accepted": sum(states[name] == "unknown" for name in arrived if name in states),
    }


class _Timed(Sink):
    """Notes when the first letter to each address was whole."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[str, float] = {}

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        for address in envelope.rcpt_tos:
            self.arrived.setdefault(address.lower(), time.time())
        return await super().handle_DATA(server, session, envelope)


def post_to_sink(folder: Path) -> dict[str, float]:
    """From the POST of a registration to its letter at the mail server, at an even pace, through the whole street."""
    mail, data = _Timed(), folder / "street"
    data.mkdir()
    street = Platform(data, "--no-sample", PALABRE_SMTP_URL=mail.start()).wait_ready()
    try:
        database = Database(f"sqlite:///{data}/db/registration.db", "registration")
        slug = open_gathering(database, seats=100_000)
        database.dispose()
        port = urlsplit(street.address).port
        assert port is not None
        _register(port, slug, "warm", 20)
        time.sleep(2)
        posted = _register(port, slug, "even", POSTS)
        give_up = time.monotonic() + 30
        while not posted.keys() <= mail.arrived.keys() and time.monotonic() < give_up:
            time.sleep(0.1)
    finally:
        street.stop()
        mail.stop()
    trips = [mail.arrived[email] - at for email, at in posted.items() if email in mail.arrived]
    return {**quantiles_ms(trips), "letters": len(posted), "lost": len(posted) - len(trips)}


def _register(port: int, slug: str, tag: str, people: int) -> dict[str, float]:
    """Ask for that many seats, A_SECOND a second; when each POST began, by address."""
    posted: dict[str, float] = {}
    began = time.monotonic()

    def one(number: int) -> None:
        visitor, email = Visitor(port), f"ada.{tag}.{number}@atelier.example"
        fields = {
            **visitor.get(f"/r/{slug}").hidden(),
            "given": "Ada",
            "family": f"Lovelace {number}",
            "email": email,
        }
        fields |= {"territory": "A", "trade": "direction", "structure": "Atelier"}
        fields.pop("mend", None)
        time.sleep(max(0.0, began + 1 + number / A_SECOND - time.monotonic()))
        at = time.time()
        sent = visitor.post(f"/r/{slug}/inscription", **fields)
        assert sent.status == 303, (sent.status, sent.body[-300:])
        posted[email] = at

    with ThreadPoolExecutor(8) as crowd:
        for done in crowd.map(one, range(people)):
            assert done is None
    return posted


def _copy(letter: Letter, **other: Any) -> Letter:
    values = {column.key: getattr(letter, column.key) for column in Letter.__table__.columns}
    fresh = uuid4()
    now = datetime.now(UTC)
    values |= {
        "id": fresh,
        "dedupe_key": str(fresh),
        "message_id": f"<{fresh}@palabre.example>",
        "next_at": now,
    }
    return Letter(**{**values, **other})


def _empty(database: Database) -> None:
    with database.transaction() as session:
        session.execute(delete(Delivery))
        session.execute(delete(Letter))


def _count(database: Database, *states: str) -> int:
    with database.reading() as session:
        found = select(func.count()).select_from(Letter).where(Letter.state.in_(states))
        return session.scalar(found.where(Letter.next_at.is_(None) | (Letter.next_at < _soon()))) or 0


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=30)


def on(database: Database, folder: Path, count: int) -> dict[str, Any]:
    """The figures of one database, ceiling and product in turns."""
    letters = [a_letter(number) for number in range(count)]
    tops: list[float] = []
    ours: dict[int, list[float]] = {number: [] for number in PROCESSES}
    port = free_port()
    with sink(folder, port):
        ceiling(letters[:50], port, 1)
        for turn in range(ROUNDS):
            tops.append(max(ceiling(letters, port, lines) for lines in range(1, POSTERS + 1)))
            for number in PROCESSES if turn == 0 else PROCESSES[:1]:
                ours[number].append(palabre(database, port, folder, letters, number))
    figures: dict[str, Any] = {
        "ceiling_per_s": round(statistics.median(tops)),
        "letters_per_s": round(statistics.median(ours[1])),
        "by_processes": {str(number): round(statistics.median(found)) for number, found in ours.items()},
    }
    figures["share"] = round(statistics.median(o / t for o, t in zip(ours[1], tops, strict=True)), 2)
    figures |= kills(database, folder, [a_letter(number) for number in range(KILLED)])
    return figures


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LETTERS
    folder = Path(tempfile.mkdtemp(prefix="palabre-letters-", dir=os.environ.get("PALABRE_BENCH_FOLDER")))
    figures: dict[str, Any] = {"load1": round(os.getloadavg()[0], 2), "letters": count}
    try:
        with servers.postgres("notifications") as url:
            for name, address in (
                ("sqlite", f"sqlite:///{folder}/notifications.db"),
                ("postgresql", url.replace("{service}", "notifications")),
            ):
                database = Database(address, "notifications")
                Base.metadata.create_all(database.engine)
                figures[name] = on(database, folder, count)
                database.dispose()
        figures["post_to_sink_ms"] = post_to_sink(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # The newcomer's database is the one whose figures stand in front.
    figures = {**figures["sqlite"], **figures}
    board = Board()
    names = (
        "ceiling_per_s",
        "letters_per_s",
        "share",
        "kills",
        "never",
        "twice",
        "unknown",
        "unknown_accepted",
    )
    board.say(
        table(
            [(name, *(str(figures[name][key]) for key in names)) for name in ("sqlite", "postgresql")],
            ("letters", "ceiling a s", "Palabre a s", "share", *names[3:]),
        )
    )
    for name in ("sqlite", "postgresql"):
        board.say(f"{name}: by sender processes {figures[name]['by_processes']}")
    board.say("POST to sink at {}/s, ms: {}".format(A_SECOND, figures["post_to_sink_ms"]))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
