"""What pages call the states of a person and the notes on a line, and how they dress them."""

from __future__ import annotations

from services.chassis.catalogues import N_
from services.registration.models import State

# The word, and the class of its mark: '' done, wait, new, off, bad.
STATES: dict[str, tuple[str, str]] = {
    State.pending_email: (N_("to confirm"), "new"),
    State.registered: (N_("registered"), ""),
    State.waiting: (N_("waiting"), "wait"),
    State.offered: (N_("seat offered"), "new"),
    State.declined: (N_("declined"), "off"),
    State.expired: (N_("expired"), "off"),
    State.cancelled: (N_("cancelled"), "off"),
    State.transferred: (N_("handed over"), "off"),
    State.present: (N_("here"), ""),
    State.no_show: (N_("absent"), "off"),
    State.merged: (N_("joined to another"), "off"),
    State.erased: (N_("erased"), "off"),
}

GATHERING_STATES: dict[str, tuple[str, str]] = {
    "draft": (N_("draft"), "new"),
    "open": (N_("open"), ""),
    "closed": (N_("closed"), "wait"),
    "cancelled": (N_("cancelled"), "off"),
}

ROLES = {
    "owner": N_("owner"),
    "organiser": N_("organiser"),
    "desk": N_("welcome desk"),
    "facilitator": N_("facilitator"),
    "reader": N_("reader"),
}

# What somebody does for their group; what they may do here is ROLES.
DUTIES = {
    "facilitator": N_("facilitates the group"),
    "rapporteur": N_("takes notes for the group"),
    "timekeeper": N_("keeps time for the group"),
}

BROUGHT_STATES: dict[str, tuple[str, str]] = {
    "proposed": (N_("proposed"), "new"),
    "accepted": (N_("accepted"), ""),
    "declined": (N_("not kept"), "off"),
    "withdrawn": (N_("withdrawn"), "off"),
}

REASONS = {"full": N_("All seats are taken."), "quota": N_("All seats of this territory are taken.")}

# What stops us at a line of a list, and what happens to the line.
NOTES: dict[str, tuple[str, str]] = {
    "typo": (N_("Did you mean %(word)s?"), N_("Corrected, unless you untick the box below.")),
    "email_missing": (N_("The e-mail address is missing."), N_("The line will be skipped.")),
    "email_wrong": (N_("“%(word)s” is not an e-mail address."), N_("The line will be skipped.")),
    "name_missing": (N_("The name is missing."), N_("The line will be skipped.")),
    "formula": (N_("A formula stands where a name should."), N_("The line will be skipped.")),
    "twice": (N_("Same person as on line %(word)s."), N_("Invited once.")),
    "same_address": (N_("Same address as on line %(word)s."), N_("Two links, one for each person.")),
    "territory_near": (N_("Territory close to “%(word)s”."), N_("Linked to “%(word)s”.")),
    "territory_unknown": (N_("Unknown territory “%(word)s”."), N_("The person will choose one.")),
    "trade_near": (N_("Trade close to “%(word)s”."), N_("Linked to “%(word)s”.")),
    "trade_unknown": (N_("Unknown trade “%(word)s”."), N_("The person will choose one.")),
}

PARTS: dict[str, str] = {
    "registration": N_("Registration"),
    "grouping": N_("Groups"),
    "feedback": N_("Feedback"),
    "notifications": N_("Letters"),
}
GONE: dict[str, str] = {
    "answers": N_("answers"),
    "invitations": N_("invitations"),
    "lines": N_("lines of lists"),
    "stories": N_("stories and topics"),
    "rules": N_("arrangements"),
    "wishes": N_("wishes"),
    "contacts": N_("addresses"),
    "letters": N_("letters"),
}

LETTERS: dict[str, str] = {
    "draft": N_("to be read over"),
    "queued": N_("on its way"),
    "claimed": N_("on its way"),
    "handed": N_("on its way"),
    "sent": N_("sent"),
    "deferred": N_("put off"),
    "unknown": N_("perhaps sent"),
    "failed": N_("not delivered"),
    "discarded": N_("put aside"),
}
HELD: dict[str, str] = {
    "person": N_("Who you are"),
    "answers": N_("Your answers"),
    "invitations": N_("Your invitation"),
    "stories": N_("Your stories"),
    "topics": N_("Your topics"),
    "deeds": N_("What happened"),
    "wishes": N_("Your wishes"),
    "groups": N_("Your groups"),
    "rules": N_("Arrangements about whom you sit with"),
    "presence": N_("Whether you were there"),
    "letters": N_("Letters to you"),
    "plans": N_("Your plan after the day"),
    "deliveries": N_("What mail servers said"),
}
FIELDS: dict[str, str] = {
    "given": N_("First name"),
    "family": N_("Last name"),
    "email": N_("E-mail address"),
    "territory": N_("Territory"),
    "trade": N_("Trade"),
    "structure": N_("Structure"),
    "language": N_("Language"),
    "state": N_("State"),
    "standing": N_("State"),
    "walk_in": N_("came unannounced"),
    "asked_at": N_("asked"),
    "registered_at": N_("registered"),
    "cancelled_at": N_("cancelled"),
    "still_comes_at": N_("still comes on the new day"),
    "checked_in_at": N_("arrived"),
    "invited_at": N_("invited"),
    "proposed_at": N_("proposed"),
    "published_at": N_("published"),
    "question": N_("Question"),
    "plan": N_("Plan"),
    "answer": N_("Answer"),
    "title": N_("Title"),
    "at": N_("When"),
    "deed": N_("What"),
    "round": N_("Round"),
    "number": N_("Number"),
    "group": N_("Group"),
    "duty": N_("Role in the group"),
    "present": N_("was there"),
    "addressed": N_("has the link to the questionnaire"),
    "subject": N_("Subject"),
    "text": N_("Text"),
    "outcome": N_("Outcome"),
    "reply": N_("Reply"),
}

STEPS: dict[str, tuple[str, str]] = {
    "invite": (N_("Invite people"), "/import"),
    "nudge": (N_("Nudge who has not answered"), "#silence"),
    "stories": (N_("Choose the stories"), "/histoires"),
    "topics": (N_("Choose the topics"), "/histoires"),
    "groups": (N_("Form and publish the groups"), "/g"),
    "roll": (N_("Print the roll and open the welcome desk"), "/accueil"),
}

DEEDS: dict[str, str] = {
    "held": N_("seat held"),
    "waits": N_("joined the waiting list"),
    "written again": N_("letter sent again"),
    "confirmed": N_("address confirmed"),
    "offered": N_("seat offered"),
    "accepted": N_("seat accepted"),
    "declined": N_("seat declined"),
    "expired": N_("time ran out"),
    "changed": N_("details changed"),
    "answered": N_("questions answered"),
    "cancelled": N_("cancelled"),
    "restored": N_("cancellation taken back"),
    "handed over": N_("seat handed over"),
    "still comes": N_("still comes on the new day"),
    "plan kept": N_("plan for afterwards kept"),
    "wishes ranked": N_("wishes ranked"),
    "walked in": N_("came unannounced"),
    "checked in": N_("arrived"),
    "joined": N_("somebody joined to this person"),
    "parted": N_("parted again"),
    "absent": N_("noted as absent"),
    "erased": N_("everything erased"),
    "copy asked": N_("copy of the data asked for"),
}
