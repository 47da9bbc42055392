"""
One step of a recorded call, run again by today's code.

How it works: what the step did is handed to the engine as if an effect had written it down
before a crash. So the dialog gets every answer, time and number by chance from the recording,
its prompts go into the reply once more, and the engine compares as it always does. An effect
that the recording does not have is where it stops: none is ever run.

Two things are not in a recording and are made up: a secret (one ``0``), and the clock, which is
read off the model of the platform's tokens, since nothing else in a reply depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import structs

from reception.callflow import Flow, flow
from reception.dialog import (
    EPISODE_TAG,
    NEXT,
    Arrival,
    Effects,
    Entries,
    Entry,
    Facts,
    Journal,
    Operation,
    Outcome,
    Returned,
    Sandbox,
    Settled,
    Suspended,
    chance,
    collection_of,
)
from reception.dialog.tokens import Bucket
from reception.errors import AppError
from reception.face.app import App
from reception.face.conversation import Conversation
from reception.rehearsal.own_urls import own_url, step_url
from reception.rehearsal.recording import Done, End, RecordedCall, Step
from reception.rehearsal.tapped import Tap, tapped
from reception.wire import PivotRequest


@dataclass(frozen=True, slots=True)
class Happened:
    """
    What came of a step.

    Attributes:
        entries: what the dialog did; also where it failed.
        reply: None where an effect stopped it, and at the end of the call.
        error: what it raised, a drift that it recovered from included.
        beyond: an effect that the recording does not have.
        request: what a handler began with in it.
    """

    entries: tuple[Entry, ...] = ()
    reply: Any = None
    error: BaseException | None = None
    beyond: Operation[Any] | None = None
    request: PivotRequest | None = None


class Rerun:
    """
    The steps of one call, run again in order.

    Attributes:
        tap: what was seen of the last one.
    """

    def __init__(self, app: App, call: RecordedCall, *, sandbox: Sandbox) -> None:
        self.tap: Final = Tap()
        self._app: Final = tapped(app, self.tap)
        self._call: Final = call
        self._sandbox: Final = sandbox
        self._is_tagged: Final = bool(call.steps) and _is_tagged(call.steps[0].reply)
        self._fallback: Final = flow.raw(call.fallback) if call.fallback else app.fallback
        self._committed: Final[list[bytes]] = []
        self._bucket: bytes | None = None
        self._request = PivotRequest(call_id=call.call_id, account_id=call.account_id)

    def step(self, step: Step, own: Sequence[Entry] | None = None) -> Happened:
        """
        Run a step.

        Args:
            own: what it did, where that is not as it stands in the recording.
        """
        entries = tuple(done.entry() for done in step.operations) if own is None else tuple(own)
        written = Entries(step.step_no, step.app_version, entries, request=step.request)
        if step.request is not None:
            self._request = step.request
        arrival = Arrival(step.step_no, self._digits(step), _outcome(step.operations))
        happened = self._run(arrival, written, _clock(step), self._bucket)
        self._bucket = Bucket(*step.bucket).encode() if step.bucket else None
        return happened

    def take(self, step: Step) -> None:
        """Take a step as it stands, where other code has answered it."""
        if step.request is not None:
            self._request = step.request
        self._bucket = Bucket(*step.bucket).encode() if step.bucket else None
        self.commit(step, [done.entry() for done in step.operations])

    def end(self, end: End, own: Sequence[Entry] | None = None) -> Happened:
        """Run what comes after the call."""
        entries = tuple(done.entry() for done in end.operations) if own is None else tuple(own)
        written = Entries(end.step_no, end.app_version, entries)
        last = self._call.steps[-1].at if self._call.steps else self._call.opened_at
        return self._run(Arrival(end.step_no, {}, "", end.cause), written, last, None)

    def commit(self, step: Step, entries: Sequence[Entry]) -> None:
        """Take a step for done."""
        told = Entries(step.step_no, step.app_version, tuple(entries), request=step.request)
        self._committed.append(told.encode())

    # --- parts ------------------------------------------------------------------------------------

    def _run(self, arrival: Arrival, own: Entries, now: datetime, bucket: bytes | None) -> Happened:
        self.tap.clear()
        plain = tuple(structs.replace(entry, digest=str(entry.digest)) for entry in own.entries)
        written = structs.replace(own, entries=plain).encode()
        journal = Journal.load(self._committed, before_effects=[written])
        for entry in own.entries:
            # As it was given: a digest may be one that learns.
            if entry.op in journal.unsent and journal.entries[entry.op].state == entry.state:
                journal.entries[entry.op] = entry
        try:
            conversation = self._conversation(journal, arrival, self._facts(now, bucket))
        except AppError as refused:
            return Happened(error=refused)
        error: BaseException | None = None
        try:
            outcome = self._outcome(conversation)
            if isinstance(outcome, Effects):
                known = {entry.op for entry in own.entries}
                if (
                    not {effect.op for effect in outcome.effects} <= known
                    or arrival.end is not None
                ):
                    return Happened(beyond=self.tap.last)
                # It was late then: the caller heard a holding prompt, or the fallback.
                outcome = conversation.overdue()
        except Exception as raised:  # noqa: BLE001  whatever the application raises is told
            error = raised
            if arrival.end is not None:
                return Happened(error=error)
            outcome = conversation.failed()
        finally:
            conversation.park()
        error = error or conversation.drift
        if isinstance(outcome, Settled):
            return Happened(outcome.entries.entries, None, outcome.error)
        assert isinstance(outcome, (Suspended, Returned))  # nothing else leaves a pivot
        reply = self._sent(outcome.reply)
        told = outcome.entries
        return Happened(told.entries, reply, error, None, told.request)

    def _outcome(self, conversation: Conversation) -> Outcome:
        if conversation.runs == "dialog":
            return conversation.advance()
        with self._sandbox():
            if conversation.runs == "thread":
                return conversation.finish(conversation.call())
            opening = conversation.open()
            try:
                opening.send(None)
            except StopIteration as stop:
                outcome: Outcome = stop.value
                return outcome
            opening.close()
        raise AppError(
            "replay.foreign_await",
            "this handler awaits something of the event loop's, which no recording has",
        )

    def _conversation(self, journal: Journal, arrival: Arrival, facts: Facts) -> Conversation:
        return Conversation(
            self._app,
            self._request,
            history=journal,
            arrival=arrival,
            facts=facts,
            pivot_url=own_url,
            call_id=self._call.call_id,
        )

    def _facts(self, now: datetime, bucket: bytes | None) -> Facts:
        episode = self._call.episode
        return Facts(
            episode=episode,
            url=step_url,
            fallback=self._fallback,
            now=lambda: now,
            entropy=bytes,
            language=self._request.language or "",
            deadline_s=self._call.deadline_s,
            bucket=bucket,
            tags={EPISODE_TAG: episode} if self._is_tagged else {},
            catalogue=self._app.catalogue,
            app_version=self._app.version,
            sandbox=self._sandbox,
        )

    def _digits(self, step: Step) -> Mapping[str, str]:
        """What was typed: known for a first request; elsewhere the answers say it."""
        for done in step.operations:
            if done.kind == "ask" and done.state == "done" and is_secret(done):
                return {collection_of(self._call.episode, step.step_no): "0"}
        first = step.request.digits.collections if step.request and not step.step_no else {}
        return dict(first)

    def _sent(self, reply: Flow) -> Any:
        return msgspec.json.decode(reply.with_fallback(self._fallback).render())


def _is_tagged(reply: Any) -> bool:
    """Does the first reply set our variable?"""
    node = reply
    while node:
        if EPISODE_TAG in (node["data"].get("custom_application_vars") or {}):
            return True
        node = node["children"].get("_")
    return False


def is_secret(done: Done) -> bool:
    """Is it the answer to a question for a secret, and was something typed?"""
    value = done.value
    return isinstance(value, list) and value[1:] == [None] and value[0] != "nothing"


def _outcome(operations: Sequence[Done]) -> str:
    """What the URL of a step said; where a flow came back it is in the answer as well."""
    for done in operations:
        if done.kind == "start" and done.value == {"why": "next"}:
            return NEXT + done.label
    return ""


def _clock(step: Step) -> datetime:
    """When the step was answered, as far as its reply depends on it."""
    if step.operations and step.operations[-1].kind == "hold":
        _, last_ms, _ = step.operations[-1].value
        return chance.time_of(last_ms * 1000)
    if step.operations and step.operations[-1].kind == "step":
        return step.at
    if step.bucket is None:
        return step.at
    bucket = Bucket(*step.bucket)
    return chance.time_of((bucket.began_ms + bucket.paid_s * 1000) * 1000)
