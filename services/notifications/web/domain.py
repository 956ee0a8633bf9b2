"""Are our letters believed: what the DNS says of the sender's domain, and what to write there."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis.catalogues import N_
from services.chassis.i18n import gettext as _
from services.chassis.pages import render, tell
from services.chassis.web import now, reading, settings, transacted
from services.notifications import domains
from services.notifications.web.around import around, ours

domain = Blueprint("domain", __name__)

STATES = {
    "good": (N_("well"), ""),
    "weak": (N_("could be better"), "wait"),
    "wrong": (N_("wrong"), "off"),
    "missing": (N_("missing"), "off"),
    "silent": (N_("not known"), "wait"),
}
WHAT = {
    "SPF": N_("SPF: which servers may send for the domain"),
    "DKIM": N_("DKIM: the key that signs each letter"),
    "DMARC": N_("DMARC: what readers do with letters that are not yours"),
    "MX": N_("MX: where letters that come back arrive"),
}
WHY = {
    "silent": N_("The DNS did not answer. Have it looked up again in a while."),
    "spf-good": N_("One record, which refuses or marks everybody else."),
    "no-spf": N_(
        "There is none: readers cannot tell your mail server from a stranger's. Write what your mail "
        "provider names, often include:… instead of a:…"
    ),
    "two-spf": N_("There are several, and so none counts. Make one of them."),
    "spf-too-long": N_(
        "It makes readers look up more than ten names, and so does not count. Take out what sends no more."
    ),
    "spf-lets-all": N_("It lets everybody send in your name."),
    "spf-refuses-none": N_("It refuses nobody."),
    "dkim-good": N_("The key in the DNS is the one that signs."),
    "no-dkim": N_("The platform signs with a key that nobody finds: readers see a broken signature."),
    "two-dkim": N_("There are several, and readers may take the wrong one. Keep one."),
    "dkim-revoked": N_("The key in the DNS is empty, which means that it is taken back."),
    "dkim-other-key": N_("The key in the DNS is not the one that signs."),
    "no-key": N_(
        "The platform does not sign. That is well if your mail provider signs for this domain; else its "
        "operator sets PALABRE_DKIM."
    ),
    "dmarc-good": N_("Readers put aside what is neither signed nor sent by you."),
    "dmarc-none": N_(
        "It asks readers for reports only. Once they show no stranger, ask them to put aside what is not yours."
    ),
    "dmarc-no-policy": N_(
        "It does not say what readers should do: p=none, p=quarantine or p=reject is missing."
    ),
    "two-dmarc": N_("There are several, and so none counts. Keep one."),
    "no-dmarc": N_("There is none, and some readers take large mailings only with one."),
    "mx-good": N_("Letters that come back find their way."),
    "mx-nobody": N_(
        "The domain says that it takes no letters: what comes back is lost, and many readers refuse "
        "such a sender."
    ),
    "no-mx": N_("Nobody takes letters there: what comes back is lost, and many readers refuse such a sender."),
}


@domain.get("/c/<slug>/expediteur")
@reading
def page(session: Session, slug: str) -> str:
    gathering = ours(session, slug)
    row = domains.of(session, settings())
    is_awaited = (
        row is not None and row.asked_at is not None and row.asked_at > (row.looked_at or row.next_at.min)
    )
    return render(
        "notifications/domain.html",
        name=domains.domain_of(settings()),
        sender=settings().sender,
        row=row,
        is_awaited=is_awaited,
        found=[
            {"told": one, "what": _(WHAT[one.record]), "state": (_(STATES[one.state][0]), STATES[one.state][1]),
             "why": _(WHY[one.why])}
            for one in domains.findings(row)
        ],
        **around(session, gathering),
    )  # fmt: skip


@domain.post("/c/<slug>/expediteur")
@transacted
def look_again(session: Session, slug: str) -> Answer:
    ours(session, slug)
    domains.ask(session, settings(), now())
    tell(_("It is being looked up. Open this page again in half a minute."))
    return redirect(url_for(".page", slug=slug), 303)
