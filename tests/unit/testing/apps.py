"""Apps that the phone is tried with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from reception import App, Call, Flow, flow

DESK = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
ANN = "0123456789abcdef0123456789abcdef"
FALLBACK = flow.user(ANN, timeout=20)


def app_of(handler: Callable[[Call], Awaitable[Flow] | Flow]) -> App:
    """An app with one handler."""
    app = App("hotel", fallback=FALLBACK)
    app.answer(handler)
    return app


def remind(room: str) -> None:
    """Work for later."""


@dataclass
class Hotel:
    """A dialog with everything in it, and what it did to the world."""

    booked: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    @property
    def app(self) -> App:
        """The app."""
        return app_of(self.answer)

    async def answer(self, call: Call) -> Flow:
        call.on_end(self.goodbye, "bye")
        await call.say("Welcome.")
        room = await call.ask(
            "Which room?",
            max_digits=3,
            valid={"101", "102"},
            retries=1,
            nothing_heard="Nothing heard.",
        )
        if not room:
            return flow.hangup()
        told = await call.step(self.book, room)
        await call.enqueue(remind, room, after_s=60)
        await call.say(told)
        why = await call.run(flow.user(DESK, timeout=30))
        return flow.tts(f"The desk said {why}").then(flow.play("bye.wav")).then(flow.hangup())

    def book(self, room: str) -> str:
        self.booked.append(room)
        return f"{room} is booked."

    def goodbye(self, word: str) -> None:
        self.ended.append(word)
