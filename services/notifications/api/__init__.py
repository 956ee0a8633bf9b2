"""Notifications for programs: JSON in, JSON out; problem+json when something is refused."""

from __future__ import annotations

from services.notifications.api.addresses import addresses
from services.notifications.api.letters import letters
from services.notifications.api.returns import returned
from services.notifications.api.schedule import schedule
from services.notifications.api.wordings import wordings

DOORS = (letters, schedule, wordings, addresses, returned)
