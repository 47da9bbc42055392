"""
How a phone says that a test has failed: what was expected, what was, and the whole call.

Only texts are made here. Nodes are left out of the transcript: what they do stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

from reception.simulator.transcript import Entry, Kind

_LEFT_OUT: Final = frozenset({Kind.NODE})
_OURS: Final = str(Path(__file__).resolve().parents[1])


class PhoneFailure(AssertionError):
    """The call was not as the test expects it; the text holds the transcript."""


def transcript_of(entries: Iterable[Entry]) -> str:
    """Give the call so far, a line for each thing that happened."""
    return "\n".join(
        f"  {entry.at_ms / 1000:7.1f} s  {entry.kind.value:8}{entry.text}"
        for entry in entries
        if entry.kind not in _LEFT_OUT
    )


def told(words: str, entries: Iterable[Entry], again: str) -> str:
    """Put a failure together; `again` says how to have the same chaos once more, if any."""
    lines = transcript_of(entries)
    parts = [words, f"The call so far:\n{lines}" if lines else "There was no call yet."]
    if again:
        parts.append(f"The same chaos again: {again}")
    return "\n\n".join(parts)


def shortened(error: BaseException) -> BaseException:
    """Take what is Reception's off an error's traceback, where something of the app's is left."""
    frames: list[TracebackType] = []
    at = error.__traceback__
    while at is not None:
        frames.append(at)
        at = at.tb_next
    kept: TracebackType | None = None
    for frame in reversed(frames):
        if not frame.tb_frame.f_code.co_filename.startswith(_OURS):
            kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(kept) if kept is not None else error
