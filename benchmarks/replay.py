"""
What it costs to go on with a dialog: replaying the steps that are in its journal.

Run it by itself: ``python -m benchmarks.replay``. A dialog of thirty answered questions (or thirty
journaled steps) is run up to the next question, as at every pivot: once with its journal read
from the stored bytes, once with the journal that the process still has. The target for thirty
answered steps is 5 ms.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reception import App, Call, flow
from reception.bootstrap.determinism import hidden_loop
from reception.dialog import (
    Arrival,
    Effects,
    Facts,
    Journal,
    Outcome,
    Returned,
    Suspended,
    collection_of,
)
from reception.face.conversation import Conversation
from reception.wire import PivotRequest

_EPISODE = "benchmark"
_FALLBACK = flow.hangup()
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_REQUEST = PivotRequest(call_id="c-1", caller_id_number="+15551234567")


def find(number: str) -> dict[str, str]:
    """What a directory would say."""
    return {"number": number, "name": "Ada"}


async def asking(call: Call) -> Any:
    """Ask for ever."""
    while True:
        await call.ask("For reservations press one, for the desk press two.", valid="12")


async def stepping(call: Call) -> Any:
    """Take thirty steps, then ask."""
    for number in range(30):
        await call.step(find, str(number))
    await call.ask("Done?")
    await call.ask("Really?")


async def mixed(call: Call) -> Any:
    """A round of everything that a dialog usually does."""
    while True:
        await call.step(find, call.caller_number)
        await call.now()
        await call.say("Welcome back.")
        await call.ask("Room?", max_digits=4, valid="1234567890")
        await call.run(flow.user("0123456789abcdef0123456789abcdef", timeout=20))


@dataclass
class Played:
    """A dialog that has come so far, as a store would have it."""

    app: App
    steps: list[bytes] = field(default_factory=list)
    reply: bytes = b""

    def answer(self) -> Outcome:
        """Answer the next step, and keep it."""
        number = len(self.steps)
        digits = {collection_of(_EPISODE, number): "1"}
        conversation = begin(self.app, Journal.load(self.steps), Arrival(number, digits, "_"))
        outcome = conversation.advance()
        while isinstance(outcome, Effects):
            effect = outcome.effects[0]
            outcome = conversation.resume(
                effect.op, effect.succeeded(copy_context().run(effect.start))
            )
        conversation.park()
        assert isinstance(outcome, (Suspended, Returned))
        self.steps.append(outcome.entries.encode())
        self.reply = outcome.reply.render()
        return outcome


def begin(app: App, journal: Journal, arrival: Arrival) -> Conversation:
    """What a service makes for one pivot."""
    facts = Facts(
        episode=_EPISODE,
        url=lambda step, outcome: f"https://app.example/voice?c={_EPISODE}&s={step}&o={outcome}",
        fallback=_FALLBACK,
        now=lambda: _NOW,
        entropy=bytes,
        sandbox=hidden_loop,
    )
    return Conversation(
        app,
        _REQUEST,
        history=journal,
        arrival=arrival,
        facts=facts,
        pivot_url=lambda params: "",
    )


def played(handler: Any, steps: int) -> Played:
    """Let a dialog go through so many steps."""
    app = App("benchmark", fallback=_FALLBACK)
    app.answer(handler)
    result = Played(app)
    for _ in range(steps):
        result.answer()
    return result


def one_pivot(so_far: Played, *, is_recent: bool = False) -> Callable[[], object]:
    """
    Read, replay, ask the next question, render, park: what every pivot costs.

    Args:
        is_recent: the journal is at hand, as it is where the call was answered last.
    """
    number = len(so_far.steps)
    arrival = Arrival(number, {collection_of(_EPISODE, number): "1"}, "_")
    at_hand = Journal.load(so_far.steps)

    def run() -> object:
        journal = at_hand if is_recent else Journal.load(so_far.steps)
        conversation = begin(so_far.app, journal, arrival)
        outcome = conversation.advance()
        if isinstance(outcome, Effects):
            effect = outcome.effects[0]
            outcome = conversation.resume(effect.op, effect.succeeded({"number": "", "name": ""}))
        assert isinstance(outcome, (Suspended, Returned))
        body = outcome.reply.render(), outcome.entries.encode()
        conversation.park()
        return body

    return run


def measure() -> dict[str, tuple[float, float]]:
    """Microseconds of processor time for one pivot, read and at hand; the best of seven series."""
    cases = {
        "first question (no history)": played(asking, 0),
        "30 answered questions": played(asking, 30),
        "30 journaled steps, one question": played(stepping, 1),
        "199 answered questions (the most)": played(asking, 199),
        "30 steps of everything (75 operations)": played(mixed, 30),
    }
    return {
        name: (_best_us(one_pivot(case)), _best_us(one_pivot(case, is_recent=True)))
        for name, case in cases.items()
    }


def _best_us(case: Callable[[], object]) -> float:
    # Processor time: what other processes do meanwhile is not the engine's.
    timer = timeit.Timer(case, timer=time.process_time)
    number, _ = timer.autorange()
    return min(timer.repeat(7, max(1, number // 4))) / max(1, number // 4) * 1e6


def main() -> None:
    """Print the table."""
    print(f"{'µs':<42} {'read':>10} {'at hand':>10}")
    for name, (read, at_hand) in measure().items():
        print(f"{name:<42} {read:>10.0f} {at_hand:>10.0f}")


if __name__ == "__main__":
    main()
