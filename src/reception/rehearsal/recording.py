"""
Recorded calls as a document: the format of `reception export`.

The rule this file keeps: it is an interface (docs/reference/recordings.md has every key), told
apart by the number in ``format``; files of older releases stay readable, and stored ones are
never edited. What may stand in a file is `redacting`'s, where it comes from `taking`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

import reception
from reception.dialog import Entry
from reception.errors import NeedsHuman
from reception.wire import PivotRequest

FORMAT: Final = 1


class Done(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One operation of a dialog.

    Shape:
        op, kind, label, digest, state, value: as `dialog.Entry` has them.
    """

    op: str
    kind: str
    label: str = ""
    digest: str = ""
    state: str = "done"
    value: Any = None

    def entry(self, *, digest: str | None = None) -> Entry:
        """The operation as the engine reads it."""
        value = msgspec.Raw(_encode(self.value))
        state: Any = self.state
        return Entry(
            self.op,
            self.kind,
            self.label,
            self.digest if digest is None else digest,
            state,
            value,
        )

    @classmethod
    def of(cls, entry: Entry) -> Done:
        """The operation as the engine wrote it."""
        return cls(
            entry.op,
            entry.kind,
            entry.label,
            str(entry.digest),
            entry.state,
            msgspec.json.decode(entry.value),
        )


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One step: what brought it, what the dialog did, what was replied.

    Shape:
        at: when it was stored.
        app_version: of the code that answered it.
        bucket: the model of the token bucket after it: left, began_ms, paid_s.
        operations: in order; `request` is there where a handler begins.
        reply: the callflow; URLs back to us say only the step (`https://step.invalid/3?o=…`).
    """

    step_no: int
    at: datetime
    reply: Any
    app_version: str = ""
    bucket: tuple[int, int, int] | None = None
    request: PivotRequest | None = None
    operations: tuple[Done, ...] = ()


class End(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the dialog did when the call had ended."""

    step_no: int
    cause: str = ""
    app_version: str = ""
    operations: tuple[Done, ...] = ()


class RecordedCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One episode.

    Shape:
        app: the APPID that it was stored under.
        redacted: whether what tells of a guest was replaced.
        fallback: the tenant's, as it stood under the pivots; None where none was sent.
        deadline_s: within which the tenant answered.
    """

    episode: str
    call_id: str
    account_id: str
    app: str
    opened_at: datetime
    steps: tuple[Step, ...]
    app_version: str = ""
    redacted: bool = False
    fallback: Any = None
    deadline_s: float = 2.0
    end: End | None = None


class Recordings(msgspec.Struct, frozen=True):
    """A file."""

    format: int
    reception: str
    calls: tuple[RecordedCall, ...]


def render_recordings(calls: Iterable[RecordedCall]) -> bytes:
    """Write a file; the same calls give the same bytes."""
    told = Recordings(FORMAT, reception.__version__, tuple(calls))
    plain = msgspec.json.decode(_encode(told))
    for call in plain["calls"]:
        for step in call["steps"]:
            if "request" in step:
                step["request"] = _without_nothing(step["request"])
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def read_recordings(body: bytes) -> Sequence[RecordedCall]:
    """
    Read a file.

    Errors:
        NeedsHuman("replay.unreadable"): it is none, or a newer release wrote it.
    """
    try:
        head = _decode_head(body)
        if head.format != FORMAT:
            raise NeedsHuman(
                "replay.unreadable",
                f"this recording has format {head.format}, and this release reads {FORMAT}:"
                " use a newer release",
            )
        return _decode(body).calls
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise NeedsHuman(
            "replay.unreadable", f"this is no file of `reception export`: {problem}"
        ) from None


def _without_nothing(request: dict[str, Any]) -> dict[str, Any]:
    """A request as a reader wants it: without what it did not say."""
    empty: tuple[Any, ...] = (None, {}, [], {"collections": {}, "text": None})
    return {name: value for name, value in request.items() if value not in empty}


class _Head(msgspec.Struct):
    format: int


# Mappings of a request may be of classes of `wire`'s own; everything else in it is JSON.
_encode: Final = msgspec.json.Encoder(enc_hook=dict).encode
_decode_head: Final = msgspec.json.Decoder(_Head).decode
_decode: Final = msgspec.json.Decoder(Recordings).decode
