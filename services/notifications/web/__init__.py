"""The pages of notifications: letters for organisers, the local mailbox, the state of the service."""

from __future__ import annotations

from services.notifications.web.digest import digest
from services.notifications.web.domain import domain
from services.notifications.web.health import health
from services.notifications.web.letters import letters
from services.notifications.web.mailbox import mailbox
from services.notifications.web.refusals import refusals
from services.notifications.web.schedule import schedule
from services.notifications.web.suppressions import suppressions
from services.notifications.web.wordings import wordings

PAGES = (letters, wordings, schedule, digest, suppressions, domain, refusals, mailbox, health)
