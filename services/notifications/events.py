"""What notifications promises to tell the others."""

from __future__ import annotations

from services.chassis import confirmations
from services.chassis.outbox import Event


class PersonDisclosed(confirmations.PersonDisclosed):
    """Everything notifications holds about somebody: what it is, and rows of fields. It is struck out once heard."""

    type = "notifications.person_disclosed.v1"


class PersonErased(confirmations.PersonErased):
    """Notifications has forgotten who somebody is; `gone` counts what went, by its name."""

    type = "notifications.person_erased.v1"


EVENTS: tuple[type[Event], ...] = (PersonDisclosed, PersonErased)
