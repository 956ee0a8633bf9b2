"""The rows of the fault matrix, as data: which process, what befalls it, in which step of the day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One process, what befalls it, and the step of the day in which it does.

    `fault` is kill (SIGKILL), family (SIGKILL of it and all its children), freeze (stopped for 3 s), loop (killed
    four times) or flush (the broker forgets everything).
    """

    process: str
    fault: str
    step: str

    def __str__(self) -> str:
        return f"{self.process} {self.fault} in {self.step!r}"


# What `make test` plays.
SHORT = (
    Row("notifications.mail", "loop", "Addresses"),
    Row("broker", "kill", "Forms"),
    Row("grouping.worker", "kill", "Groups"),
)

# What `make faults` plays.
ALL = (
    *SHORT,
    Row("web.1", "kill", "Forms"),
    Row("zygote", "family", "Forms"),
    Row("web.1", "kill", "Check-in"),
    Row("registration.worker", "kill", "Forms"),
    Row("relays", "kill", "Forms"),
    Row("relays", "freeze", "Addresses"),
    Row("notifications.worker", "kill", "Invitations"),
    Row("relays", "loop", "Invitations"),
    Row("notifications.mail", "kill", "Invitations"),
    Row("relays", "kill", "Angles"),
    Row("grouping.worker", "loop", "Re-balance"),
    Row("feedback.worker", "kill", "Questionnaire"),
    Row("relays", "kill", "Account"),
    Row("broker", "kill", "Angles"),
    Row("broker", "loop", "Addresses"),
    Row("broker", "flush", "Forms"),
    Row("zygote", "kill", "Forms"),
    Row("launcher", "kill", "Addresses"),
)
