"""
Recorded calls without their guests.

How it works (ADR 0016): what tells of a guest is replaced in what the dialog was given: the
request, the keys, the results of its steps. Then the dialog is run once more on that, by the
code that recorded it, and what it does and replies now is the new recording: digests and
replies fit the replaced values by themselves. Two things are refused instead of guessed at:
code that does not agree with the recording as it was, and a dialog that goes another way
because of what was replaced (it compares a caller's number, say); the error names what to keep.

Secrets are in no recording, redacted or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

import msgspec
from msgspec import structs

from reception.dialog import DialogDrift, Entry, Sandbox
from reception.errors import NeedsHuman
from reception.face.app import App
from reception.rehearsal.comparing import compared
from reception.rehearsal.pseudonyms import Pseudonyms
from reception.rehearsal.recording import Done, RecordedCall
from reception.rehearsal.rerun import Happened, Rerun
from reception.wire import Digits, PivotRequest

KEEPABLE: Final = ("caller", "dialled", "digits", "results", "variables")
"""What may be kept: parts of a call, as `reception export --keep` names them."""


class _Learned(str):
    """A digest that agrees with whatever it is compared with, and remembers it."""

    __slots__ = ("actual",)
    __hash__ = str.__hash__

    def __new__(cls) -> Self:
        made = super().__new__(cls, "")
        made.actual = ""
        return made

    actual: str

    def __eq__(self, other: object) -> bool:
        self.actual = str(other)
        return True

    def __ne__(self, other: object) -> bool:
        return not self == other


class _GoesAnotherWay(Exception):
    """The dialog does something else with the replaced values."""

    def __init__(self, step_no: int, words: str) -> None:
        super().__init__(words)
        self.step_no = step_no


def redacted(
    app: App,
    call: RecordedCall,
    pseudonyms: Callable[[], Pseudonyms],
    *,
    keep: Sequence[str] = (),
    sandbox: Sandbox,
) -> RecordedCall:
    """
    Give a call without its guest.

    Args:
        app: the code that recorded it, or code that agrees with it.
        pseudonyms: makes the words, the same each time.
        keep: of `KEEPABLE`.

    Errors:
        NeedsHuman("export.differs"): the code does not agree with the recording.
        NeedsHuman("export.begun_anew"): two versions of the code have answered it.
        NeedsHuman("export.depends"): the dialog depends on what is replaced.
        NeedsHuman("export.leaks"): something of the guest is left, in a reply say.
    """
    verdict = compared(app, call, sandbox=sandbox)
    if verdict.fate != "agrees":
        found = verdict.difference
        what = (
            f": step {found.step_no} was {found.recorded}, and is {found.actual}" if found else ""
        )
        raise NeedsHuman(
            "export.differs",
            f"call {call.episode} cannot be redacted: that takes code that agrees with the"
            f" recording, and today's does not{what}. Export with the version that answered the"
            f" call ({call.app_version or 'it has no name'}), or --raw for your own machine",
        )
    if verdict.since:
        raise NeedsHuman(
            "export.begun_anew",
            f"call {call.episode} cannot be redacted: it was begun anew at step {verdict.since}, after a"
            " drift, and no code has answered all of it. --raw keeps it for your own machine",
        )
    words = pseudonyms()
    try:
        made = _made(app, call, words, frozenset(keep), sandbox)
    except _GoesAnotherWay as other:
        raise _depends(app, call, pseudonyms, keep, sandbox, other) from None
    _see_that_nothing_is_left(made, words)
    return made


def _made(
    app: App, call: RecordedCall, words: Pseudonyms, keep: frozenset[str], sandbox: Sandbox
) -> RecordedCall:
    hidden = _Hider(words, keep)
    made = structs.replace(
        call,
        episode=words.text(call.episode),
        call_id=words.text(call.call_id),
        account_id=words.text(call.account_id),
        redacted=True,
    )
    rerun = Rerun(app, made, sandbox=sandbox)
    steps = []
    for step in call.steps:
        request = hidden.request(step.request) if step.request else None
        new = structs.replace(step, request=request, reply=None)
        entries = [_learning(hidden.done(done)) for done in step.operations]
        happened = rerun.step(new, entries)
        done = _as_before(step.step_no, step.operations, entries, happened)
        new = structs.replace(new, operations=done, reply=happened.reply)
        steps.append(new)
        rerun.commit(new, [each.entry() for each in done])
    made = structs.replace(made, steps=tuple(steps))
    if call.end is not None:
        end = call.end
        entries = [_learning(hidden.done(done)) for done in end.operations]
        done = _as_before(end.step_no, end.operations, entries, rerun.end(end, entries))
        made = structs.replace(made, end=structs.replace(end, operations=done))
    return made


def _learning(done: Done) -> Entry:
    return structs.replace(done.entry(), digest=_Learned())


def _as_before(
    step_no: int, before: Sequence[Done], given: Sequence[Entry], happened: Happened
) -> tuple[Done, ...]:
    """The operations with the digests that they have now, if they are the same as they were."""
    if happened.beyond is not None:
        raise _GoesAnotherWay(step_no, happened.beyond.shown())
    if isinstance(happened.error, DialogDrift):
        raise _GoesAnotherWay(step_no, happened.error.actual)
    now = {entry.op: entry for entry in happened.entries if entry.kind != "hold"}
    told = []
    for done, entry in zip(before, given, strict=True):
        if done.kind == "hold":
            told.append(done)
            continue
        actual = now.pop(done.op, None)
        if actual is None or (actual.kind, actual.label, actual.state) != (
            done.kind,
            done.label,
            done.state,
        ):
            raise _GoesAnotherWay(step_no, actual.shown() if actual else "something else")
        digest = entry.digest.actual if isinstance(entry.digest, _Learned) else entry.digest
        told.append(structs.replace(Done.of(entry), digest=digest))
    if now:
        raise _GoesAnotherWay(step_no, next(iter(now.values())).shown())
    return tuple(told)


class _Hider:
    """Replaces what the dialog was given."""

    def __init__(self, words: Pseudonyms, keep: frozenset[str]) -> None:
        self._words: Final = words
        self._keep: Final = keep

    def request(self, request: PivotRequest) -> PivotRequest:
        """What the platform sent; what says nothing of anybody stays."""
        plain = {"api_version", "direction", "call_status", "language", "digits", "user_id"}
        caller = {"from_", "caller_id_name", "caller_id_number"}
        dialled = {"to", "request"}
        kept = plain | (caller if "caller" in self._keep else set())
        kept |= dialled if "dialled" in self._keep else set()
        changes: dict[str, Any] = {
            name: self._words.text(value)
            for name, value in structs.asdict(request).items()
            if isinstance(value, str) and name not in kept
        }
        changes["user_id"] = tuple(map(self._words.text, request.user_id))
        if request.digits:
            keys = {name: self._keys(typed) for name, typed in request.digits.collections.items()}
            changes["digits"] = Digits(keys)
        if "variables" not in self._keep:
            for name in ("custom_application_vars", "custom_sip_headers", "extra"):
                given = getattr(request, name)
                changes[name] = {key: self._words.value(value) for key, value in given.items()}
        return structs.replace(request, **changes)

    def done(self, done: Done) -> Done:
        """The answer of an operation."""
        value = done.value
        if done.kind == "ask" and isinstance(value, list) and isinstance(value[1], str):
            return structs.replace(done, value=[value[0], self._keys(value[1])])
        if done.kind == "step" and "results" not in self._keep:
            if done.state == "failed":
                # Its class is the application's; what it says may be a guest's.
                name, text, args, state, *place = value
                told = [self._words.value(each) for each in (text, args, state)]
                return structs.replace(done, value=[name, *told, *place])
            return structs.replace(done, value=self._words.value(value))
        return done

    def _keys(self, typed: str) -> str:
        """One key is a choice; what is longer is a number of something, unless the code has it."""
        return typed if "digits" in self._keep else self._words.text(typed)


def _depends(
    app: App,
    call: RecordedCall,
    pseudonyms: Callable[[], Pseudonyms],
    keep: Sequence[str],
    sandbox: Sandbox,
    other: _GoesAnotherWay,
) -> NeedsHuman:
    """Say what would have to be kept for the dialog to go the same way."""
    helps = ""
    for part in KEEPABLE:
        try:
            _made(app, call, pseudonyms(), frozenset((*keep, part)), sandbox)
        except _GoesAnotherWay:
            continue
        helps = f" With --keep {part} it goes the same way: use that where it tells of no guest."
        break
    return NeedsHuman(
        "export.depends",
        f"call {call.episode} cannot be redacted like this: at step {other.step_no} the dialog"
        f" depends on something that was replaced, and comes to {other} instead.{helps}"
        " Or --raw for your own machine",
    )


def _see_that_nothing_is_left(made: RecordedCall, words: Pseudonyms) -> None:
    """What was replaced must stand nowhere else either; short texts may, by chance."""
    told = "\n".join(_texts(msgspec.to_builtins(made, enc_hook=dict)))
    for text in words.replaced:
        if len(text) >= 5 and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", told):
            raise NeedsHuman(
                "export.leaks",
                f"call {made.episode} cannot be redacted: something that was replaced stands in"
                " it all the same, in a reply or a variable. It may come from a global of the"
                " application; --raw keeps the call for your own machine",
            )


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in a document, without its keys."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
