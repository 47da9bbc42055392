"""Records calls without a database: the engine's rig, and what a store would have of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reception import App
from reception.bootstrap.determinism import watched
from reception.dialog import Entries
from reception.ports import EpisodeRow, History, StoredStep
from reception.rehearsal.comparing import Verdict, compared
from reception.rehearsal.recording import RecordedCall, read_recordings, render_recordings
from reception.rehearsal.taking import taken
from reception.wire import PivotRequest
from tests.unit.dialog.rig import EPISODE, FALLBACK, Rig

GUEST = PivotRequest(
    call_id="call-7@sip.example",
    account_id="fedcba9876543210fedcba9876543210",
    from_="+15551234567",
    caller_id_number="+15551234567",
    caller_id_name="Grace Hopper",
    request="+442071234567",
    language="en-us",
)


@dataclass
class Recorder(Rig):
    """A rig whose URLs are those of a server, and which gives what was recorded."""

    request: PivotRequest = GUEST

    def url(self, step_no: int, outcome: str) -> str:
        return super().url(step_no, outcome).replace("?", "?APPID=demo&") + "&k=mac"

    def call(self, *answers: str | Callable[[Recorder], Any]) -> Recorder:
        """Make a call; an answer is what the caller types, or what happens."""
        self.tags = {"rx_e": EPISODE}
        self.arrive(request=self.request)
        for answer in answers:
            if callable(answer):
                answer(self)
            else:
                self.answer(answer)
        return self

    def recorded(self, end: Entries | None = None, cause: str = "") -> RecordedCall:
        """What an export of it gives, written and read again."""
        times = [datetime.fromisoformat("2026-01-02T03:04:05+00:00")] * len(self.steps)
        steps = tuple(
            StoredStep(number, b"", step.entries, step.bucket, times[number], step.reply)
            for number, step in enumerate(self.steps)
        )
        last = StoredStep(
            len(steps), b"", end.encode() if end else None, b"", self.now, None, is_end=True
        )
        row = EpisodeRow(
            "demo",
            EPISODE,
            self.request.account_id or "",
            self.request.call_id or "",
            "demo",
            self.app.version,
            times[0],
            self.now if end else None,
            cause or None,
        )
        replies = {number: step.reply for number, step in enumerate(self.steps)}
        made = taken(History(row, steps, (), last if end else None), replies)
        (again,) = read_recordings(render_recordings([made]))
        assert made == again
        return again


def replayed(app: App, call: RecordedCall) -> Verdict:
    """Run it again, watched as `reception replay` does."""
    return compared(app, call, sandbox=watched)


__all__ = ["EPISODE", "FALLBACK", "GUEST", "Recorder", "replayed"]
