"""When a search has to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace


@dataclass
class Budget:
    """Stop after `seconds`, or after `evaluations` proposals (the same answer on any machine)."""

    seconds: float | None
    evaluations: int | None
    seed: int
    began: float
    spent: int = 0

    @classmethod
    def of(cls, seconds: float | None, evaluations: int | None, seed: int) -> Budget:
        return cls(seconds=seconds, evaluations=evaluations, seed=seed, began=time.perf_counter())

    @property
    def used(self) -> float:
        """The share that is gone, 0 to 1."""
        by_count = self.spent / self.evaluations if self.evaluations else 0.0
        by_clock = (time.perf_counter() - self.began) / self.seconds if self.seconds else 0.0
        return max(by_count, by_clock)

    @property
    def is_first_only(self) -> bool:
        """Stop at the first answer with all hard rules and no gap."""
        return self.seconds == 0 and self.evaluations is None

    def shares(self, count: int) -> list[Budget]:
        """The rest for `count` searches at once: the same clock for all, and its part of the proposals for each."""
        if self.evaluations is None:
            return [replace(self, spent=0) for _ in range(count)]
        left = max(count, self.evaluations - self.spent)
        return [replace(self, evaluations=left // count + (k < left % count), spent=0) for k in range(count)]

    def block(self, most: int) -> int:
        """How many proposals to try before the clock is looked at again; a counted budget is looked at often."""
        if self.evaluations is None:
            return most
        return max(1, min(most, self.evaluations // _LOOKS + 1, self.evaluations - self.spent))


_LOOKS = 256
