"""
Chaos: what may happen to every request in real life, decided by a seed.

The platform repeats a request, two copies arrive at once, on two nodes, and between two steps
of a call the server is another one. ``pytest --chaos`` does all of that to every request of
every test; a test that passes without must pass with it. The seed of a test comes from the
seed of the session and the test's name, so that a test alone does what it did among others.
"""

from __future__ import annotations

import hashlib
import os
import random
import shlex
from dataclasses import dataclass
from typing import Final

SEED: Final = "RECEPTION_TEST_CHAOS_SEED"
"""Names the environment variable that holds the session's seed; set, it means chaos."""

_TEST: Final = "PYTEST_CURRENT_TEST"
# A reply takes a few milliseconds: before, within and after it.
_PAUSES_S: Final = (0.0, 0.0, 0.001, 0.003, 0.02)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What happens to one request.

    Attributes:
        elsewhere: the copy that comes at the same time goes to another node.
        pause_s: how much later the copy comes.
        restarts_first: the server is restarted before the third copy, not after it.
    """

    elsewhere: bool
    pause_s: float
    restarts_first: bool


class Chaos:
    """Makes the plans of one phone."""

    def __init__(self, seed: str, test: str = "") -> None:
        self.seed: Final = seed
        self._test: Final = test
        digest = hashlib.blake2b(f"{seed} {test}".encode(), digest_size=8).digest()
        self._chance: Final = random.Random(digest)  # noqa: S311  it shapes a test, it keeps no secret

    @property
    def command(self) -> str:
        """Say how to have the same chaos again."""
        if not self._test:
            return f"{SEED}={self.seed}"
        return f"pytest {shlex.quote(self._test)} --chaos --chaos-seed={self.seed}"

    def plan(self) -> Plan:
        """Decide what happens to the next request."""
        chance = self._chance
        return Plan(chance.random() < 0.5, chance.choice(_PAUSES_S), chance.random() < 0.5)


def chaos_of_session() -> Chaos | None:
    """Give the chaos that this session was started with, for the test that is running."""
    seed = os.environ.get(SEED, "")
    if not seed:
        return None
    test, _, _ = os.environ.get(_TEST, "").rpartition(" (")
    return Chaos(seed, test)
