"""From an empty page to full seats: the organiser invites, people answer, some wait, some cancel."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from infra.day.browser import Browser, Refusal
from infra.day.mailbox import NoLetter
from infra.day.page import Form, Page
from infra.day.scene import Guest, Scene
from infra.sample import table, words

DAYS_AHEAD = 12
# One person in so many makes this slip on the form before they get it right.
SLIP, GAP, CODE = 9, 11, 10
LATE_SEAT = "E"


def sign_in(scene: Scene, link: str, organisers: Collection[str]) -> None:
    """An organiser comes in by the link of the first start, or by a letter where that is spent already."""
    with scene.board.step("Sign in") as step:
        page = scene.organiser.get(link, expect=(200, 410)) if link else None
        step.notes.append("by the link of the first start")
        if page is None or page.status != 200:
            link = _by_letter(scene, organisers)
            page = scene.organiser.get(link)
            step.notes[:] = ["by letter"]
        page = scene.organiser.send(page.form("/entrer/"))
        scene.ledger.hold("/entrer" not in urlsplit(page.url).path, "the sign-in link opens the door")
        spent = Browser(scene.lines, scene.base).get(link, expect=(200, 410))
        scene.ledger.same(spent.status, 410, "the sign-in link opens once")


def _by_letter(scene: Scene, organisers: Collection[str]) -> str:
    for email in organisers:
        form = scene.organiser.get("/entrer").form("/entrer$", having="email")
        scene.organiser.send(form.fill(email=email))
        try:
            return scene.mailbox.wait(email, "sign-in", wait_s=8).link("/entrer/")
        except NoLetter:
            continue
    raise Refusal("The sign-in link is spent and no organiser gets a letter: give --sign-in a fresh one.")


def gathering(scene: Scene, stamp: str) -> None:
    """A day of eight territories with quotas, described on one form; then registration is opened."""
    with scene.board.step("Gathering") as step:
        day = (datetime.now(ZoneInfo(scene.zone)) + timedelta(days=DAYS_AHEAD)).date()
        form = scene.organiser.get("/o/creer").form("creer", having="seats")
        lines = [f"{name} ; {scene.cast.quotas[letter]}" for letter, (name, _) in words.TERRITORIES.items()]
        scene.title = f"{words.TITLE} {stamp}"
        form.fill(
            title=scene.title, purpose=words.LEDE, date=(day - timedelta(days=400)).isoformat(), starts="09:30",
            ends="16:30", zone=scene.zone, place=words.PLACE, seats=str(scene.cast.seats), language="fr",
            writing="epicene",
            organiser_name=" ".join(words.ORGANISER[:2]), reply_to=words.ORGANISER[2],
            territories="\n".join(lines), trades="\n".join(words.TRADES), angles="\n".join(words.ANGLES),
        )  # fmt: skip
        page = scene.organiser.send(form, expect=(422,))
        form = page.form("creer", having="seats")
        scene.ledger.same(form.value("title"), scene.title, "a date in the past keeps what was typed")
        page = scene.organiser.send(form.fill(date=day.isoformat()))
        scene.slug = urlsplit(page.url).path.removeprefix("/o/")
        scene.organiser.send(page.form("/ouvrir"))
        mine = scene.desk.all("/api/registration/gatherings")
        scene.gathering_id = next(one["gathering_id"] for one in mine if one["slug"] == scene.slug)
        step.notes.append(f"{scene.cast.seats} seats, {len(lines)} quotas, /r/{scene.slug}")


def colleague(scene: Scene, stamp: str) -> None:
    """A second organiser is invited, and comes in by the letter they get."""
    with scene.board.step("A colleague") as step:
        email = words.ORGANISER[2].replace("@", f".{stamp}@")
        form = scene.organiser.get(f"/o/{scene.slug}/equipe").form("equipe", having="email")
        scene.organiser.send(form.fill(email=email, name=" ".join(words.ORGANISER[:2])))
        scene.ledger.promise(email, "colleague")
        link = scene.mailbox.wait(email, "colleague").link("/entrer/")
        other = Browser(scene.lines, scene.base)
        other.send(other.get(link).form("/entrer/"))
        other.get(f"/o/{scene.slug}")
        scene.colleague = email
        step.notes.append("comes in by letter")


def invitations(scene: Scene) -> None:
    """A file with slips is read and put right; the second one is applied, and its letters are sent by hand."""
    everybody = len(scene.cast.invited)
    with scene.board.step("Import") as step:
        look = _stage(scene, table.first_draft(scene.cast))
        scene.ledger.hold(look.text.count("gmail.com") >= 3, "the dry run asks about gmial.com")
        figures = scene.desk.get(f"/api/registration/gatherings/{scene.gathering_id}/figures")
        scene.ledger.same(figures["invited"], 0, "a dry run invites nobody")
        look = _stage(scene, table.clean(scene.cast))
        scene.organiser.send(look.form("/import/"))
        figures = scene.desk.get(f"/api/registration/gatherings/{scene.gathering_id}/figures")
        scene.ledger.same(figures["invited"], everybody, "everybody in the file is invited")
        step.notes.append(f"dry run with slips, then {everybody} lines")
    with scene.board.step("Invitations", everybody) as step:
        form = _drafts(scene, "invitation", everybody)
        # The day may be played at night, when nobody would be written to.
        hours = scene.organiser.get(f"/c/{scene.slug}/calendrier").form("/nuit")
        scene.organiser.send(hours.fill(night_from="00:00", night_to="00:00"))
        for guest in scene.guests:
            scene.ledger.promise(guest.email, "invitation")
        scene.organiser.send(form)
        scene.crowd(step, scene.guests, lambda guest: _open_invitation(scene, guest))
        step.notes.append(f"{everybody} letters sent by hand and opened")


def _stage(scene: Scene, content: bytes) -> Page:
    page = scene.organiser.get(f"/o/{scene.slug}/import")
    return scene.organiser.send(page.form("/import", having="file").attach("file", "invités.csv", content))


def _drafts(scene: Scene, kind: str, how_many: int) -> Form:
    """The form that sends the drafts of a kind, once all of them wait there."""
    give_up = time.monotonic() + 45
    while True:
        page = scene.organiser.get(f"/c/{scene.slug}", expect=(200, 403, 404))
        for form in page.forms:
            if form.action.endswith("/envoyer") and form.value("kind") == kind:
                if form.value("count") == str(how_many):
                    return form
                break
        if time.monotonic() > give_up:
            raise Refusal(f"{how_many} drafts of {kind!r} are not there: {page.status} {page.text[:300]!r}")
        time.sleep(0.3)


def _open_invitation(scene: Scene, guest: Guest) -> None:
    # The office's file knows `Nguy?n`; the person on the other side knows better.
    letter = scene.mailbox.wait(guest.email, "invitation", naming=_as_filed(guest.person.given))
    guest.link = letter.link("/r/")


def _as_filed(name: str) -> str:
    return name.encode("cp1252", errors="replace").decode("cp1252")


def forms(scene: Scene) -> None:
    """Everybody asks for a seat. There are fewer seats than people: the last ones wait, with true ranks."""
    with scene.board.step("Forms", len(scene.guests)) as step:
        slips: Counter[str] = Counter()
        scene.crowd(step, scene.guests, lambda guest: _ask(scene, guest, slips))
        waiting, held = scene.who("waiting"), scene.who("held")
        for guest in waiting:
            scene.ledger.promise(guest.email, "waiting")
        for guest in held:
            scene.ledger.promise(guest.email, "confirm-address")
        figures = scene.desk.get(f"/api/registration/gatherings/{scene.gathering_id}/figures")
        _seats_kept(scene, figures)
        scene.ledger.same(len(held), scene.cast.seats, "every seat is held")
        scene.ledger.same(len(waiting), len(scene.guests) - scene.cast.seats, "the others wait")
        ranks = sorted(guest.rank for guest in waiting)
        scene.ledger.same(ranks, list(range(1, len(waiting) + 1)), "each waiting person was told a true rank")
        line = [(one["rank"], one["given"]) for one in scene.waiting_list()]
        told = sorted((guest.rank, guest.person.given) for guest in waiting)
        scene.ledger.same(line, told, "the organiser sees the same line")
        step.notes.append(f"{len(held)} seats held, {len(waiting)} wait, {slips.total()} slips put right")


def _ask(scene: Scene, guest: Guest, slips: Counter[str]) -> None:
    person, browser = guest.person, guest.browser
    form = browser.get(guest.link).form("inscription", showing="given")
    form.fill(
        given=person.given, family=person.family, email=person.email, territory=person.territory,
        trade=person.trade, structure=person.structure,
    )  # fmt: skip
    if person.number % GAP == 4:
        page = browser.send(form.fill(given="", territory=""), expect=(422,))
        form = page.form("inscription", showing="given")
        scene.ledger.same(form.value("structure"), person.structure, "a missing answer keeps the others")
        form.fill(given=person.given, territory=person.territory)
        slips["gap"] += 1
    if person.number % SLIP == 2:
        page = browser.send(form.fill(email="quelquun@gmial.com"), expect=(422,))
        scene.ledger.hold("gmail.com" in page.text, "a slip in an address is asked about")
        form = page.form("inscription", showing="given")
        scene.ledger.same(form.value("given"), person.given, "a slip in the address keeps what was typed")
        form.fill(email=person.email)
        slips["address"] += 1
    page = browser.send(form)
    guest.page = page
    if page.has_form("/code"):
        guest.state = "held"
        return
    found = re.search(r"\b(\d{1,3})(?:e|er|re|st|nd|rd|th)?\b", _around_rank(page.text))
    if found is None:
        raise Refusal(
            f"{person.email} was told neither of a seat nor of a rank, on {page.url}: {page.text[:600]!r}"
        )
    guest.state, guest.rank = "waiting", int(found[1])


def _around_rank(text: str) -> str:
    found = re.search(r"(?i)[^\n]*\b(?:rang|rank|place|number|numéro)\b[^\n]*", text)
    return found[0] if found else ""


def addresses(scene: Scene) -> None:
    """Who holds a seat confirms their address, by the letter's link or by its code."""
    held = scene.who("held")
    with scene.board.step("Addresses", len(held)) as step:
        codes: Counter[str] = Counter()
        scene.crowd(step, held, lambda guest: _confirm(scene, guest, codes))
        for guest in held:
            scene.ledger.promise(guest.email, "registered")
        waiting = scene.who("waiting")
        scene.crowd(step, waiting, lambda guest: _read_rank(scene, guest))
        people = scene.listing()
        _know(scene, people)
        states = Counter(one["state"] for one in people)
        scene.ledger.same(states["registered"], len(held), "who confirmed is registered")
        scene.figures.update(registered=states["registered"], waiting=states["waiting"])
        step.notes.append(f"{len(held)} confirmed, {codes['code']} of them by code")


def _confirm(scene: Scene, guest: Guest, codes: Counter[str]) -> None:
    letter = scene.letter(guest, "confirm-address")
    if guest.person.number % CODE == 7 and guest.page is not None:
        found = re.search(r"(?<!\d)\d{3} ?\d{3}(?!\d)", letter.text.replace(letter.link("/moi/"), ""))
        scene.ledger.hold(found is not None, "the letter that confirms has a code")
        page = guest.browser.send(guest.page.form("/code").fill(code=found[0] if found else ""))
        codes["code"] += 1
    else:
        page = guest.browser.get(letter.link("/moi/"))
        page = guest.browser.send(page.form("/confirmer"))
    guest.link = page.url.split("?")[0].split("#")[0]
    guest.state = "registered"
    scene.ledger.hold("/moi/" in page.url, "who confirms sees their own place")
    scene.letter(guest, "registered")


def _read_rank(scene: Scene, guest: Guest) -> None:
    letter = scene.letter(guest, "waiting")
    guest.link = letter.link("/moi/")
    found = re.search(rf"\b{guest.rank}\b", letter.text)
    scene.ledger.hold(found is not None, f"the waiting letter to {guest.email} says rank {guest.rank}")


def cancellations(scene: Scene) -> None:
    """Late cancels: the freed seat goes to the first of its territory, to nobody where nobody waits."""
    waiting = sorted(scene.who("waiting"), key=lambda guest: guest.rank)
    keep_waiting = max(1, len(waiting) // 4)
    with scene.board.step("Late cancels", len(waiting) - keep_waiting + 1) as step:
        refusing = waiting[1] if len(waiting) > 3 else None
        came = 0
        for next_one in waiting[: len(waiting) - keep_waiting]:
            if next_one.state != "waiting":
                continue
            _cancel(scene, _somebody(scene, next_one.person.territory))
            came += _offered(scene, next_one, refusing)
            scene.board.tick(step)
        if not any(guest.person.territory == LATE_SEAT for guest in waiting):
            _cancel(scene, _somebody(scene, LATE_SEAT))
            scene.board.tick(step)
        figures = scene.desk.get(f"/api/registration/gatherings/{scene.gathering_id}/figures")
        _seats_kept(scene, figures)
        held = Counter(guest.person.territory for guest in scene.who("registered"))
        scene.ledger.same(
            {k: v for k, v in figures["held"].items() if v}, dict(held), "seats held by territory"
        )
        line = [one["rank"] for one in scene.waiting_list()]
        scene.ledger.same(line, list(range(1, len(scene.who("waiting")) + 1)), "ranks stay true")
        gone = len(scene.who("cancelled"))
        step.notes.append(f"{gone} seats given back, {came} taken by who waited")


def _somebody(scene: Scene, territory: str) -> Guest:
    """The last one of a territory who holds a seat; people who share an address stay."""
    addresses = Counter(guest.email for guest in scene.guests)
    return [
        guest
        for guest in scene.who("registered")
        if guest.person.territory == territory and addresses[guest.email] == 1
    ][-1]


def _cancel(scene: Scene, guest: Guest) -> None:
    page = guest.browser.get(guest.link + "/annuler")
    scene.ledger.promise(guest.email, "cancelled")
    guest.browser.send(page.form("/annuler"))
    guest.state = "cancelled"
    letter = scene.letter(guest, "cancelled")
    scene.ledger.hold("METHOD:CANCEL" in letter.ics, "a cancellation takes the day out of the calendar")


def _offered(scene: Scene, guest: Guest, refusing: Guest | None) -> int:
    """Read the offer, and take it, or leave it to the next of the same territory. Returns how many came in."""
    scene.ledger.promise(guest.email, "offer")
    link = scene.letter(guest, "offer").link("/moi/")
    page = guest.browser.get(link)
    if guest is refusing:
        scene.ledger.promise(guest.email, "cancelled")
        guest.browser.send(page.form("/decliner"))
        guest.state = "declined"
        line = sorted(scene.who("waiting"), key=lambda one: one.rank)
        heir = next((one for one in line if one.person.territory == guest.person.territory), None)
        return _offered(scene, heir, None) if heir else 0
    scene.ledger.promise(guest.email, "registered")
    guest.browser.send(page.form("/accepter"))
    guest.state, guest.link = "registered", link
    scene.letter(guest, "registered")
    return 1


def _know(scene: Scene, people: list[dict[str, Any]]) -> None:
    """Each guest finds their id; nobody is missing, nobody is there twice."""
    ids: dict[tuple[str, str, str], list[str]] = {}
    for one in people:
        ids.setdefault((one["email"], one["given"], one["family"]), []).append(one["participant_id"])
    for guest in scene.guests:
        own = ids.pop(_kept_as(guest), [])
        scene.ledger.hold(len(own) == 1, f"{guest.person.name} is registered {len(own)} times")
        guest.id = own[0] if own else ""
    scene.ledger.same(sorted(ids), [], "nobody is registered whom nobody knows")


def _kept_as(guest: Guest) -> tuple[str, str, str]:
    composed = [normalize("NFC", part) for part in (guest.email, guest.person.given, guest.person.family)]
    return composed[0], composed[1], composed[2]


def _seats_kept(scene: Scene, figures: dict[str, Any]) -> None:
    scene.ledger.hold(figures["taken"] <= scene.cast.seats, f"{figures['taken']} seats are taken")
    for letter, quota in scene.cast.quotas.items():
        held = figures["held"].get(letter, 0)
        scene.ledger.hold(held <= quota, f"territory {letter} holds {held} seats of {quota}")


def offers(scene: Scene) -> None:
    """Stories and topics are proposed by those who bring them, and chosen by the organiser."""
    stories, topics = scene.cast.stories, scene.cast.topics
    bringing = scene.who("registered")
    tellers, carriers = bringing[:: len(bringing) // len(stories)][: len(stories)], bringing[1:]
    carriers = [guest for guest in carriers if guest not in tellers]
    carriers = carriers[:: len(carriers) // len(topics)][: len(topics)]
    with scene.board.step("Stories and topics", len(stories) + len(topics)) as step:
        for guest, title in zip(tellers, stories, strict=True):
            guest.brings = title
        for guest, question in zip(carriers, topics, strict=True):
            guest.brings = question
        scene.crowd(step, [*tellers, *carriers], _propose)
        for kind in (r"histoires/[0-9a-f-]{36}/accepter", r"sujets/[0-9a-f-]{36}/accepter"):
            page = scene.organiser.get(f"/o/{scene.slug}/histoires")
            while page.has_form(kind):
                page = scene.organiser.send(page.form(kind))
        scene.carriers = {guest.brings: guest for guest in carriers}
        scene.tellers = tellers
        figures = scene.desk.get(f"/api/registration/gatherings/{scene.gathering_id}/figures")
        scene.ledger.same(figures["stories"].get("accepted"), len(stories), "stories accepted")
        scene.ledger.same(figures["topics"].get("accepted"), len(topics), "topics accepted")
        step.notes.append(f"{len(stories)} stories, {len(topics)} topics")


def _propose(guest: Guest) -> None:
    page = guest.browser.get(guest.link)
    if guest.brings.endswith("?"):
        guest.browser.send(page.form("/sujet").fill(question=guest.brings))
    else:
        guest.browser.send(
            page.form("/histoire").fill(title=guest.brings, consents=_yes(page.form("/histoire")))
        )


def _yes(form: Form) -> str:
    return next(iter(form.options("consents")))


def wishes(scene: Scene) -> None:
    """Most people rank three topics; some have no preference and say nothing."""
    wishing = [guest for guest in scene.who("registered") if guest.person.number % 8 != 6]
    with scene.board.step("Wishes", len(wishing)) as step:
        scene.crowd(step, wishing, _wish)
        step.notes.append(f"{len(wishing)} of {len(scene.who('registered'))} people")


def _wish(guest: Guest) -> None:
    form = guest.browser.get(guest.link).form("/voeux")
    topics = [value for value in form.options("wish1") if value]
    start = (guest.person.number * 5) % len(topics)
    three = [topics[(start + step) % len(topics)] for step in (0, 1, 3)][: min(3, len(topics))]
    three = list(dict.fromkeys(three))
    guest.browser.send(form.fill(**{f"wish{place}": topic for place, topic in enumerate(three, 1)}))
