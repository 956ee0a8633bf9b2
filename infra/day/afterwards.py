"""What the day leaves behind: the questionnaire, its answers, and the account everybody reads."""

from __future__ import annotations

import threading
from itertools import cycle
from typing import Any

from infra.day.browser import Browser
from infra.day.scene import Guest, Scene
from infra.sample import words

TOO_FEW = 3
ADDED = "Et maintenant, à nous de continuer ensemble."


def questionnaire(scene: Scene) -> None:
    """Opened once; every person who is here gets one letter, and nobody else."""
    here = scene.who("present") + [guest for guest in scene.walk_ins if guest.state == "present"]
    with scene.board.step("Questionnaire", len(here)) as step:
        page = scene.organiser.get(f"/f/{scene.slug}/resultats")
        scene.organiser.send(page.form("questionnaire/ouvrir"))
        for guest in here:
            scene.ledger.promise(guest.email, "questionnaire")

        def read(guest: Guest) -> None:
            scene.letter(guest, "questionnaire")

        scene.crowd(step, here, read)
        step.notes.append(f"{len(here)} letters")


def answers(scene: Scene) -> None:
    """Most answer. The results stay closed below k, and count everybody above."""
    here = scene.who("present") + [guest for guest in scene.walk_ins if guest.state == "present"]
    answering = here[: scene.cast.answers]
    said, lock = cycle(words.WORDS), threading.Lock()

    def answer(guest: Guest) -> None:
        link = scene.letter(guest, "questionnaire").link("/q/")
        stranger = Browser(scene.lines, scene.base, guest.person.language)
        form = stranger.get(link).form("/q/", having="useful")
        with lock:
            words_said = next(said)
        if guest.person.number % 15 == 3:
            page = stranger.send(form.fill(useful="4"), expect=(422,))
            form = page.form("/q/", having="useful")
            scene.ledger.same(form.value("useful"), "4", "an incomplete answer keeps what was ticked")
        form.fill(
            useful=str(1 + guest.person.number % 5), pace=("slow", "right", "fast")[guest.person.number % 3]
        )
        if guest.person.number % 2:
            form.fill(
                takeaway=words_said, **{"takeaway-quote": "yes" if guest.person.number % 4 == 1 else "no"}
            )
        # Whoever pressed again after a broken line is told that the first press had arrived: 409.
        stranger.send(form, expect=(200, 409))

    with scene.board.step("Answers", len(answering)) as step:
        scene.crowd(step, answering[:TOO_FEW], answer)
        results = scene.desk.get(f"/api/feedback/gatherings/{scene.gathering_id}/results")
        shown = [results["received"], results["quotes"], _told(results)]
        scene.ledger.same(shown, [None, [], []], f"{TOO_FEW} answers show nothing")
        scene.crowd(step, answering[TOO_FEW:], answer)
        results = scene.desk.get(f"/api/feedback/gatherings/{scene.gathering_id}/results")
        scene.ledger.same(results["received"], len(answering), "every answer counts once")
        scene.ledger.same(results["addressed"], len(here), "everybody here was asked, once")
        scene.ledger.hold(len(_told(results)) > 0, "enough answers show their results")
        page = scene.organiser.get(f"/f/{scene.slug}/resultats")
        scene.ledger.hold(str(len(answering)) in page.text, "the results page says how many answered")
        for guest in answering:
            scene.ledger.hold(guest.email not in page.html, "no answer leads to an address")
        scene.figures["answers"] = len(answering)
        step.notes.append(f"{len(answering)} of {len(here)} answered")


def _told(results: Any) -> list[str]:
    """The questions whose table tells anything at all."""
    return [
        one["name"] for one in results["tallies"] if one["cells"] or one["texts"] or one["answers"] is not None
    ]


def account(scene: Scene) -> None:
    """Drafted from what is known, changed by hand, published, read by anybody, announced once."""
    with scene.board.step("Account") as step:
        address = f"/f/{scene.slug}/retour"
        page = scene.organiser.send(scene.organiser.get(address).form("retour/ecrire"))
        edits = [href for href, _ in page.links if f"{address}/" in href]
        for href in edits:
            form = scene.organiser.get(href).form("/retour/", having="heading")
            if form.has("text"):
                scene.organiser.send(form.fill(text=f"{form.value('text')}\n{ADDED}"))
                break
        page = scene.organiser.get(address)
        scene.ledger.hold(ADDED[:20] in page.text, "the draft keeps what was written")
        form = page.form("retour/publier")
        if form.has("confirmed"):
            form.fill(confirmed=list(form.options("confirmed")))
        page = scene.organiser.send(form)
        stranger = Browser(scene.lines, scene.base)
        public = stranger.get(f"/retour/{scene.slug}")
        scene.ledger.hold(ADDED[:20] in public.text, "everybody reads the account as it was edited")
        everybody = [guest for guest in scene.guests + scene.walk_ins if guest.state in scene.COMING]
        for guest in everybody:
            scene.ledger.promise(guest.email, "account")
        scene.mailbox.wait_for("account", len(everybody))
        step.notes.append(f"{len(public.text.split())} words, {len(everybody)} letters")
