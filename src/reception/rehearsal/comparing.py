"""
Recorded calls against today's code: what differs first, where and how.

The rule this file keeps: operations are compared before replies, since a reply follows from
them; the first difference of a call is told and the rest of that call is not looked at. A
change that the code guards with ``call.changed`` is meant, and no difference. A call that was
begun anew after a drift is compared from there on: what came before was other code's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from reception.dialog import DialogDrift, Entry, Operation, Sandbox
from reception.dialog.journal import shown
from reception.dialog.lines import place_in_traceback
from reception.face.app import App
from reception.rehearsal.recording import Done, RecordedCall
from reception.rehearsal.rerun import Happened, Rerun


@dataclass(frozen=True, slots=True)
class Difference:
    """
    The first thing that is not as it was.

    Attributes:
        step_no: -1 where it is the call as a whole.
        op: number of the operation; "" where it is only the reply.
        recorded, actual: what was done then, and what today's code does.
        line: ``folder/file.py:12`` of today's code; "" where there is none.
        reply_differs: None where there is no reply to compare.
    """

    step_no: int
    op: str
    recorded: str
    actual: str
    line: str = ""
    reply_differs: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of one call.

    Attributes:
        fate: ``agrees``; ``changed``: it agrees up to a change that ``call.changed`` guards;
            ``differs``.
        steps: how many were run, the end of the call included.
        since: the step in which it was begun anew after a drift; 0 where it was not.
    """

    episode: str
    call_id: str
    fate: Literal["agrees", "changed", "differs"]
    steps: int
    difference: Difference | None = None
    since: int = 0


def compared(app: App, call: RecordedCall, *, sandbox: Sandbox) -> Verdict:
    """Run a recorded call; gives the same verdict every time."""
    rerun = Rerun(app, call, sandbox=sandbox)
    verdict = Verdict(call.episode, call.call_id, "agrees", 0, since=_begun_anew(call))
    for step in call.steps:
        if step.step_no < verdict.since:
            rerun.take(step)
            continue
        happened = rerun.step(step)
        verdict = replace(verdict, steps=verdict.steps + 1)
        difference = _difference(step.step_no, step.operations, step.reply, happened, rerun)
        if _is_meant(step.operations, happened):
            return replace(verdict, fate="changed")
        if difference is not None:
            return replace(verdict, fate="differs", difference=difference)
        rerun.commit(step, [done.entry() for done in step.operations])
    if call.end is not None:
        happened = rerun.end(call.end)
        verdict = replace(verdict, steps=verdict.steps + 1)
        difference = _difference(call.end.step_no, call.end.operations, None, happened, rerun)
        if difference is not None and not _is_meant(call.end.operations, happened):
            return replace(verdict, fate="differs", difference=difference)
    return verdict


def _begun_anew(call: RecordedCall) -> int:
    return max(
        (
            step.step_no
            for step in call.steps
            for done in step.operations
            if done.kind == "start" and done.value != {"why": "next"}
        ),
        default=0,
    )


def _is_meant(operations: Sequence[Done], happened: Happened) -> bool:
    known = {done.op for done in operations}
    return any(entry.kind == "changed" and entry.op not in known for entry in happened.entries)


def _difference(
    step_no: int, operations: Sequence[Done], reply: Any, happened: Happened, rerun: Rerun
) -> Difference | None:
    is_end = reply is None
    differs = (
        None if is_end else happened.reply is None or bytes_of(happened.reply) != bytes_of(reply)
    )
    error = happened.error
    if isinstance(error, DialogDrift):
        return Difference(step_no, error.op, error.recorded, error.actual, error.line, differs)
    if happened.beyond is not None:
        last = happened.beyond
        what = "nothing more" if operations else "nothing"
        return Difference(step_no, _next(operations), what, last.shown(), _line(last), differs)
    found = _first(operations, happened.entries)
    if found is not None:
        op, recorded, actual, place = found
        operation = rerun.tap.operations[place] if place < 0 else rerun.tap.last
        line = _line(operation)
        if error is not None:
            actual, line = _raised(error)
        return Difference(step_no, op, recorded, actual, line, differs)
    if is_end or not differs:
        # The dialog failed then as it does now, and the caller got the fallback then and now.
        return None
    if error is not None:
        actual, line = _raised(error)
        return Difference(step_no, "", "a reply", actual, line, differs)
    return Difference(
        step_no,
        "",
        _path_words(reply, happened.reply),
        "another reply",
        _line(rerun.tap.last),
        True,
    )


def _first(
    operations: Sequence[Done], entries: Sequence[Entry]
) -> tuple[str, str, str, int] | None:
    """The first operation that one side has and the other has not."""
    then = {done.op: done for done in operations if done.kind != "hold"}
    now = {entry.op: entry for entry in entries if entry.kind != "hold"}
    holds = [done for done in operations if done.kind == "hold"]
    held = [entry for entry in entries if entry.kind == "hold"]
    for op in sorted(then.keys() | now.keys(), key=_order):
        done, entry = then.get(op), now.get(op)
        if entry is None:
            assert done is not None  # one of them is there
            return op, shown(done.kind, done.label), "nothing more", 0
        if done is None:
            more = sum(1 for each in now if each not in then and "." not in each)
            return op, "nothing more", entry.shown(), -more
        if (done.kind, done.label, done.digest, done.state) != (
            entry.kind,
            entry.label,
            entry.digest,
            entry.state,
        ):
            recorded, actual = shown(done.kind, done.label), entry.shown()
            return op, f"{recorded}: {done.state}", f"{actual}: {entry.state}", 0
    if bool(holds) != bool(held):
        words = {True: "a holding prompt", False: "no holding prompt"}
        return _next(operations), words[bool(holds)], words[bool(held)], 0
    return None


def _raised(error: BaseException) -> tuple[str, str]:
    trace = error.__traceback__
    # Past our own frames to the application's first one; then its deepest in that file.
    while trace is not None and _is_ours(trace.tb_frame.f_globals.get("__name__")):
        trace = trace.tb_next
    place = place_in_traceback(trace, trace.tb_frame.f_code.co_filename) if trace else None
    # Never its text: it may say what a guest said.
    code = getattr(error, "code", "")
    return f"{type(error).__name__}{f' ({code})' if code else ''}", str(place) if place else ""


def _is_ours(module: object) -> bool:
    return str(module).startswith("reception.") and not str(module).startswith(
        "reception.frontdesk"
    )


def _line(operation: Operation[Any] | None) -> str:
    return str(operation.place) if operation is not None and operation.place else ""


def _next(operations: Sequence[Done]) -> str:
    numbers = [int(done.op.partition(".")[0]) for done in operations]
    return str(1 + max(numbers, default=-1))


def _order(op: str) -> tuple[int, ...]:
    return tuple(int(part) for part in op.split("."))


def _path_words(then: Any, now: Any) -> str:
    """Say which nodes were sent, where those are not the same."""
    before, after = modules_of(then), modules_of(now)
    if before != after:
        return f"the nodes {' '.join(before)} (now {' '.join(after)})"
    return f"the nodes {' '.join(before)}, with other data"


def modules_of(reply: Any) -> list[str]:
    """The modules along the default branch."""
    found = []
    node = reply
    while isinstance(node, dict):
        found.append(str(node.get("module")))
        node = node.get("children", {}).get("_")
    return found


def bytes_of(reply: Any) -> bytes:
    """A reply as it is sent."""
    return msgspec.json.encode(reply)
