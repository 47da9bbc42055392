"""
What a dialog has done so far, as the store keeps it and as a replay reads it.

The rule this file keeps: `Entries` is the only thing that is stored, as opaque bytes with a
format number in front; once written it is never changed. A `Journal` is the sum of all
entries of one episode, and knows nothing of how they were kept.

Numbers of operations (``op``) count through the whole episode, so that a number names one
effect for ever, also after another handler took over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from reception.dialog.values import Result, read
from reception.errors import AppError
from reception.wire import PivotRequest

FORMAT: Final = 1

State = Literal["done", "failed", "pending", "ended"]
_NULL: Final = msgspec.Raw(b"null")
_MARK: Final = b"%d:" % FORMAT
_ENGINES_OWN: Final = frozenset({"hold", "start"})


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """
    One operation.

    Shape:
        op: its number, ``"4"``; the parts of a gather are ``"4.0"``, ``"4.1"`` …
        kind: ``ask``, ``step`` …, or a mark of the engine: ``start`` (a handler takes over),
            ``hold`` (the caller heard a holding prompt).
        label: what distinguishes two of a kind: the function of a step, a name.
        digest: of the arguments, secrets left out.
        state: "pending" until the caller or the effect answers; "ended" where `CallEnded`
            was raised.
        value: JSON: the answer, or what was recorded of an error.
    """

    op: str
    kind: str
    label: str
    digest: str
    state: State = "done"
    value: msgspec.Raw = _NULL

    def shown(self) -> str:
        """The operation in a developer's words: ``call.step(crm:find)``."""
        return shown(self.kind, self.label)


def shown(kind: str, label: str) -> str:
    """Say an operation the way it is written."""
    return f"call.{kind}({label})"


class Entries(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """
    The operations of one step, or of the part of it before an effect.

    Shape:
        step_no: of the step that they belong to.
        app_version: `App.version` of who wrote them.
        entries: in order.
        request: what a handler began with, in the step in which it began. It is what the
            dialog sees of the platform's request ever after: later ones say other things.
    """

    step_no: int
    app_version: str
    entries: tuple[Entry, ...] = ()
    format: int = FORMAT
    request: PivotRequest | None = None

    def __bool__(self) -> bool:
        return bool(self.entries)

    def encode(self) -> bytes:
        """The bytes that a store keeps."""
        return b"%d:" % self.format + _encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Entries:
        """
        Read what `encode` wrote.

        Errors:
            AppError("dialog.journal_format"): a newer release wrote it, or somebody else.
        """
        if not data.startswith(_MARK):
            raise AppError(
                "dialog.journal_format",
                f"This journal has format {data.partition(b':')[0][:8]!r}, and this release of"
                f" Reception reads {FORMAT}: leave the call to a newer release",
            )
        try:
            return _decode(data[len(_MARK) :])
        except msgspec.MsgspecError as problem:
            raise AppError(
                "dialog.journal_format", f"This is no journal of a dialog: {problem}"
            ) from None


# Mappings of a request may be of classes of `wire`'s own; everything else in it is JSON.
_encode: Final = msgspec.json.Encoder(enc_hook=dict).encode
_decode: Final = msgspec.json.Decoder(Entries).decode


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Since when and how often a caller has been hearing a holding prompt for one effect."""

    first_ms: int
    last_ms: int
    count: int


class Journal:
    """
    Everything that is known of one episode before a step is answered.

    Attributes:
        entries: the operations by number, of every handler so far.
        answers: by number, what questions were answered, as far as it was read.
        unsent: those of the step that is being answered: an effect of it was begun, but its
            reply is not committed, so its prompts and jobs have not gone out.
        base: the number at which the present handler begins.
        handler: the name of the handler that took over last; None for the app's own.
        restarts: how often a dialog was begun anew after a drift.
        is_holding: the last reply was a holding prompt, so that what arrives answers nothing.
        app_version: of the last step; "" where there is none.
        request: what the present handler began with; None where nothing is known.
        unsent_request: the same where it began in the step that is being answered.
        head: number of the last committed step; -1 where there is none.
    """

    __slots__ = (
        "answers",
        "app_version",
        "base",
        "entries",
        "handler",
        "head",
        "holds",
        "is_holding",
        "request",
        "restarts",
        "results",
        "unsent",
        "unsent_request",
    )

    def __init__(self) -> None:
        self.entries: Final[dict[str, Entry]] = {}
        self.answers: Final[dict[str, Any]] = {}
        self.unsent: Final[set[str]] = set()
        self.results: Mapping[str, Result] = {}
        self.holds: Final[dict[str, Hold]] = {}
        self.base = 0
        self.handler: str | None = None
        self.restarts = 0
        self.request: PivotRequest | None = None
        self.unsent_request: PivotRequest | None = None
        self.is_holding = False
        self.app_version = ""
        self.head = -1

    @classmethod
    def load(
        cls,
        committed: Iterable[bytes] = (),
        *,
        before_effects: Iterable[bytes] = (),
        results: Mapping[str, bytes] | None = None,
    ) -> Journal:
        """
        Put the journal of an episode together.

        Args:
            committed: the entries of its steps, in the order of their numbers.
            before_effects: `Effect.before` of its claimed effects, in any order.
            results: by `Effect.op`, the results of those effects that are finished.

        Errors:
            AppError("dialog.journal_format"): some of it is not for this release.
        """
        journal = cls()
        for data in committed:
            journal.append(Entries.decode(data))
        for data in before_effects:
            step = Entries.decode(data)
            if step.step_no > journal.head:
                if step.request is not None:
                    journal.request = journal.unsent_request = step.request
                for entry in step.entries:
                    if entry.kind != "hold":
                        journal.unsent.add(entry.op)
                        journal._add(entry)
        if results:
            journal.results = {op: Result.decode(data) for op, data in results.items()}
        return journal

    def append(self, step: Entries) -> None:
        """Go on by a step that is committed; nothing may be unsent."""
        self.head = step.step_no
        self.app_version = step.app_version
        self.is_holding = False
        if step.request is not None:
            self.request = step.request
        entries = self.entries
        for entry in step.entries:
            if entry.kind in _ENGINES_OWN:
                self._add(entry)
            elif entry.state != "pending" or entry.op not in entries:
                entries[entry.op] = entry

    def _add(self, entry: Entry) -> None:
        op, kind = entry.op, entry.kind
        if kind == "hold":
            first_ms, last_ms, count = read(entry.value)
            self.holds[op] = Hold(first_ms, last_ms, count)
            self.is_holding = True
            return
        if entry.state == "pending":
            known = self.entries.get(op)
            if known is not None and known.state != "pending":
                return
        self.entries[op] = entry
        if kind == "start" and int(op) >= self.base:
            detail: dict[str, Any] = read(entry.value)
            self.base = int(op) + 1
            self.handler = entry.label or None
            self.restarts += detail["why"] != "next"

    def next_op(self) -> int:
        """The first number that no operation has."""
        return 1 + max((int(op.partition(".")[0]) for op in self.entries), default=-1)

    def lasts_to(self) -> int:
        """The highest number of an operation of the present handler; below `base` for none."""
        return self.next_op() - 1
