"""
What goes wrong with reports on the way: lost, doubled, late and so out of order.

Nothing does by itself. On request each report gets a plan, drawn by a seed, so that a run
can be had again: the pauses after which copies of it are sent. No pause at all is a report
that is lost.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from reception.errors import NeedsHuman


@dataclass(slots=True)
class Mishaps:
    """
    How often what goes wrong.

    Shape:
        loses, doubles: shares of the reports, 0 to 1.
        delays_s: each report is held back for a time between 0 and this, in seconds, so
            that reports overtake each other.
    """

    loses: float = 0.0
    doubles: float = 0.0
    delays_s: float = 0.0
    seed: int = 0
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not (0 <= self.loses <= 1 and 0 <= self.doubles <= 1 and 0 <= self.delays_s < 1e6):
            raise NeedsHuman(
                "simulator.mishaps", "loses and doubles are shares from 0 to 1, delays_s seconds."
            )
        self._chance = random.Random(self.seed)  # noqa: S311 - chance of a rehearsal, no secret

    def plan(self) -> list[float]:
        """Give the pauses in seconds after which copies of the next report are sent."""
        draws = [self._chance.random() for _ in range(4)]
        if draws[0] < self.loses:
            return []
        pauses = [draws[2] * self.delays_s]
        if draws[1] < self.doubles:
            pauses.append(draws[3] * self.delays_s)
        return pauses
