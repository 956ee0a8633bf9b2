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
    "wishes ranked": N_("wishes ranked"),
    "walked in": N_("came unannounced"),
    "checked in": N_("arrived"),
    "absent": N_("noted as absent"),
}
