"""How soon a relay looks again when nobody asks it to."""

from __future__ import annotations

# After a nudge, and twice as late after each look that found nothing: up to the second while something is not
# acknowledged, which may have to be sent again, else up to the third. A lost nudge costs so much.
POLL_S, WAITING_S, IDLE_S = 1.0, 2.0, 5.0


class Pace:
    """`pause_s` until the next look; `is_woken` when somebody may have left work since the last one."""

    def __init__(self) -> None:
        self.is_woken, self.pause_s = True, POLL_S

    def wake(self) -> None:
        """Somebody nudged, there was more to do, or a nudge may have been lost with broker or database."""
        self.is_woken, self.pause_s = True, POLL_S

    def rest(self, *, is_quiet: bool) -> None:
        """The pause went by and nobody nudged; `is_quiet` when nothing was unacknowledged either."""
        self.is_woken = False
        self.pause_s = min(2 * self.pause_s, IDLE_S if is_quiet else WAITING_S)
