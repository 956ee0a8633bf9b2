"""What kinds, states and attempts are called on pages."""

from __future__ import annotations

from services.chassis.i18n import N_, gettext
from services.notifications import deliveries, lines, posting, refusals, suppressions
from services.notifications import letters as use
from services.notifications.writing import envelopes

KINDS = {
    "sign-in": N_("Link to come in"),
    "passkey": N_("New passkey"),
    "identity": N_("Account bound"),
    "colleague": N_("Asked to help"),
    "invitation": N_("Invitation"),
    "reminder": N_("Reminder to the silent"),
    "confirm-address": N_("Confirm your address"),
    "hold-expired": N_("Seat not confirmed"),
    "link": N_("Link to one’s place"),
    "registered": N_("Seat reserved"),
    "waiting": N_("Waiting list"),
    "offer": N_("A seat is offered"),
    "offer-expired": N_("Offer over"),
    "changed": N_("Registration changed"),
    "cancelled": N_("Seat given back"),
    "restored": N_("Seat reserved again"),
    "gathering-changed": N_("New date or place"),
    "gathering-cancelled": N_("Gathering cancelled"),
    "stories": N_("Call for stories and topics"),
    "wishes": N_("Choice of topics"),
    "practical": N_("Practical reminder"),
    "day": N_("Morning of the day"),
    "placement": N_("Angle or group"),
    "moved": N_("Group changed"),
    "pack": N_("Facilitator’s or rapporteur’s pack"),
    "relieved": N_("Role given to another"),
    "questionnaire": N_("Questionnaire"),
    "questionnaire-reminder": N_("Questionnaire, once more"),
    "account": N_("Account published"),
    "follow-up": N_("Plan of a carrier"),
    "erasing": N_("Data will be erased"),
    "erased": N_("Data erased"),
    "loss": N_("A carrier or teller is missing"),
    "digest": N_("Digest for organisers"),
}
ABOUT = {
    "questionnaire-reminder": N_(
        "To everybody whose questionnaire left, while it is open: nobody can know who answered, and it says so."
    ),
    "reminder": N_("To those whose invitation left and who have not answered; it stops with any answer."),
    "stories": N_("To everybody with a seat: what one can bring, and how."),
    "wishes": N_("To everybody with a seat: three topics to choose."),
    "practical": N_(
        "To everybody with a seat, but for those who got it in the last day: when, where, how to free it."
    ),
    "pack": N_(
        "To who facilitates a group or takes notes for it: what to do, the group’s people, and a note sheet. "
        "Who gets the role later is told then."
    ),
    "relieved": N_("To who was asked to facilitate or to take notes, when they no longer are."),
    "day": N_("To everybody with a seat, in the morning: the page of their day."),
    "follow-up": N_("To who carried a topic and asked for it: the plan they wrote. Nobody else reads it."),
    "erasing": N_("To everybody whose data are kept: what goes, when, and what stays as a count."),
    "erased": N_("To who is forgotten, as the last letter: its address goes when it has left."),
    "loss": N_("To each organiser, when an accepted topic or story is left without the person who brought it."),
    "digest": N_("To each organiser at eight in the morning: letters that failed, then what waits for them."),
    "invitation": N_("Who invites, to what and when, with one link to answer."),
}
# The word, and the sign before it: '' done, wait, new, off, bad.
STATES = {
    "draft": (N_("to review"), "new"),
    "queued": (N_("waiting"), "wait"),
    "claimed": (N_("about to leave"), "wait"),
    "handed": (N_("leaving now"), "wait"),
    "sent": (N_("sent"), ""),
    "deferred": (N_("delayed"), "wait"),
    "unknown": (N_("not known"), "bad"),
    "failed": (N_("failed"), "bad"),
    "bounced": (N_("came back"), "bad"),
    "suppressed": (N_("held back"), "off"),
    "discarded": (N_("put aside"), "off"),
}
OUTCOMES = {
    "sent": N_("The server took it."),
    "deferred": N_("The server asked to try again later."),
    "failed": N_("The server refused it for good."),
    "broken": N_("The connection broke before the letter had left."),
    "unknown": N_("The letter was given, and no answer came."),
    "bounced": N_("It came back: the address’s own server says it cannot arrive."),
    "delayed": N_("The address’s own server is late with it and goes on trying."),
    "suppressed": N_("It was not sent: letters come back from this address."),
    "unwanted": N_("It was not sent: this person refused letters of this kind."),
    "again": N_("It was put back in the queue."),
}


# What stands in a server's place when we speak ourselves.
OURS = frozenset(
    (
        lines.UNREACHABLE,
        lines.UNANSWERED,
        lines.NO_ACCENTS,
        deliveries.STOPPED,
        posting.HAS_IT,
        posting.HAS_NOT,
        suppressions.HELD_BACK,
        refusals.UNWANTED,
        use.ARRIVED,
        use.AGAIN,
        envelopes.NOT_AN_ADDRESS,
        envelopes.NO_DOMAIN,
    )
)


def reply(said: str | None) -> str:
    """A server's words as they came; our own in the reader's language, with what stands in brackets after them."""
    sentence, bracket, detail = (said or "").partition(" (")
    return gettext(sentence) + bracket + detail if sentence in OURS else said or ""


def kind(name: str) -> str:
    return gettext(KINDS[name]) if name in KINDS else name


def about(name: str) -> str:
    return gettext(ABOUT[name]) if name in ABOUT else ""


def state(name: str) -> tuple[str, str]:
    word, sign = STATES[name]
    return gettext(word), sign


def outcome(name: str) -> str:
    return gettext(OUTCOMES[name]) if name in OUTCOMES else name
