"""
The reply in the making: what the dialog queued, and how it leaves.

The rule this file keeps: everything that goes out passes `_fitted`, which checks it against
the call's tokens. What a question looks like is in `replies`; when to suspend is `replay`'s
decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import unquote

from reception.callflow import Flow, flow
from reception.callflow.handing_over import NEXT_URL
from reception.callflow.value import in_a_row
from reception.dialog import chance, replies
from reception.dialog.asking import Ask
from reception.dialog.coming_back import with_ways_back
from reception.dialog.facts import NEXT, Arrival, Facts
from reception.dialog.operations import Run, Sleep
from reception.dialog.outcomes import Job, Returned, Suspended
from reception.dialog.prompts import Node, PromptLike, nodes_of, uninterrupted
from reception.dialog.recording import Recording
from reception.dialog.tokens import Bucket, Cost, cost_of
from reception.errors import AppError


class Outgoing:
    """What one run has gathered for its reply."""

    __slots__ = ("_erase", "_facts", "_handlers", "_jobs", "_queued", "_step_no", "_tags")

    def __init__(self, facts: Facts, arrival: Arrival, handlers: Collection[str]) -> None:
        self._facts: Final = facts
        self._step_no: Final = arrival.step_no
        self._handlers: Final = handlers
        self._queued: Final[list[Node]] = []
        self._tags: Final[dict[str, Any]] = {}
        self._jobs: Final[list[Job]] = []
        self._erase: str | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The background work of this step."""
        return tuple(self._jobs)

    def queue(self, prompt: PromptLike) -> None:
        """Add a prompt to the next reply."""
        self._queued.extend(nodes_of(prompt, self._facts.catalogue, self._facts.language))

    def tag(self, values: Mapping[str, Any]) -> None:
        """Set application variables with the next reply."""
        self._tags.update(values)

    def enqueue(self, job: Job) -> None:
        """Add background work to the commit."""
        self._jobs.append(job)

    def erase(self, collection: str) -> None:
        """Have the platform forget a collection with the next reply."""
        self._erase = collection

    def check_steps(self, place: str) -> None:
        """
        See that the call may come back once more.

        Errors:
            AppError("dialog.too_many_steps"): it has come back often enough.
        """
        if self._step_no >= self._facts.most_steps:
            raise AppError(
                "dialog.too_many_steps",
                f"{place + ': ' if place else ''}this call has had {self._facts.most_steps} steps: a"
                " dialog must come to an end (a loop that asks, or hands over, for ever?)",
            )

    # --- leaving ----------------------------------------------------------------------------------

    def suspended(self, operation: Ask[Any] | Run | Sleep, recording: Recording) -> Suspended:
        """The reply of a dialog that waits for its caller."""
        facts = self._facts
        if isinstance(operation, Run):
            closed = with_ways_back(operation.flow, self._way_back_by, operation.outcomes)
            nodes = [*replies.made(uninterrupted(self._queued)), closed]
        elif isinstance(operation, Ask):
            collection = replies.collection_of(facts.episode, self._step_no + 1)
            nodes = replies.asked(operation, self._queued, facts, collection)
            nodes += self._way_back()
        else:
            nodes = [
                *replies.made(uninterrupted(self._queued)),
                replies.sleeping(operation.seconds),
                *self._way_back(),
            ]
        reply, bucket, hold_back_s = self._fitted(in_a_row([*self._head(), *nodes]))
        return Suspended(reply, recording.entries(), self.jobs, bucket, hold_back_s)

    def holding(self, prompt: PromptLike, recording: Recording, *, pause: bool) -> Suspended:
        """The reply of a dialog whose effect takes longer than the caller may wait."""
        self.check_steps("")
        nodes = replies.held(prompt, self._queued, self._facts, pause=pause)
        whole = in_a_row([*self._head(), *nodes, *self._way_back()])
        reply, bucket, hold_back_s = self._fitted(whole)
        return Suspended(
            reply, recording.entries(), self.jobs, bucket, hold_back_s, is_holding=True
        )

    def fallen_back(self, recording: Recording) -> Returned:
        """The tenant's fallback as the reply of this step; a typed secret is erased all the same."""
        reply = self._facts.fallback
        # A fallback that does not fit goes out all the same: there is nothing better.
        if self._erase is not None:
            reply = replies.dropping(self._erase).then(reply)
        bucket = self._bucket().encode()
        return Returned(reply, recording.entries(), self.jobs, bucket, is_fallback=True)

    def returned(self, value: object, recording: Recording) -> Returned:
        """The reply of a dialog that is through."""
        answer = _flow_of(value)
        entries = recording.entries()
        hands_over = NEXT_URL.encode() in answer.render()
        if not entries and not self._jobs and not hands_over and not self._step_no:
            # One step, and nothing asked of the engine: exactly what the handler returned.
            return Returned(answer, entries, (), b"")
        if hands_over:
            self.check_steps("")
            answer = self._handed_over(answer)
        nodes = [*self._erasing(), *replies.made(uninterrupted(self._queued))]
        answer = replies.in_front(self._all_tags(), nodes, answer)
        reply, bucket, hold_back_s = self._fitted(answer)
        return Returned(reply, entries, self.jobs, bucket, hold_back_s, comes_back=hands_over)

    # --- parts ------------------------------------------------------------------------------------

    def _head(self) -> list[Flow]:
        """What stands before everything: variables, then the erasing of a secret."""
        tags = self._all_tags()
        head = [replies.tagging(tags)] if tags else []
        return head + self._erasing()

    def _all_tags(self) -> dict[str, Any]:
        return {**self._facts.tags, **self._tags} if self._step_no == 0 else self._tags

    def _erasing(self) -> list[Flow]:
        return [replies.dropping(self._erase)] if self._erase else []

    def _way_back(self) -> tuple[Flow, Flow]:
        return replies.way_back(self._facts.url(self._step_no + 1, ""), self._facts)

    def _way_back_by(self, outcome: str) -> Flow:
        url = self._facts.url(self._step_no + 1, outcome)
        return in_a_row(replies.way_back(url, self._facts))

    def _handed_over(self, answer: Flow) -> Flow:
        """Give every ``flow.pivot(next=…)`` its URL."""
        tree = answer.to_dict()
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            waiting.extend(node["children"].values())
            url = node["data"].get("voice_url", "")
            if node["module"] != "pivot" or not url.startswith(NEXT_URL):
                continue
            name = unquote(url[len(NEXT_URL) :])
            if name not in self._handlers:
                raise AppError(
                    "app.no_such_handler",
                    f"flow.pivot(next=…) addresses {name}, which is no handler of this app: mark"
                    " it with @app.state",
                )
            way_back = self._way_back_by(NEXT + name).to_dict()
            node["data"] = {**node["data"], "voice_url": way_back["data"]["voice_url"]}
            if "_" not in node["children"]:
                node["children"]["_"] = way_back["children"]["_"]
        return flow.raw(tree)

    def _bucket(self) -> Bucket:
        now_ms = chance.milliseconds(self._facts.now())
        return Bucket.decode(self._facts.bucket, now_ms).at(now_ms)

    def _fitted(self, reply: Flow) -> tuple[Flow, bytes, int]:
        """Let a reply fit the bucket."""
        bucket, cost = self._bucket(), cost_of(reply)
        room = bucket.room_for(cost, patience_s=self._facts.patience_s())
        if room.sleep_s:
            reply = replies.sleeping(room.sleep_s).then(reply)
            cost = Cost(cost.at_most + 1, cost.until_pivot + 1)
        if room.hold_back_s:
            # It leaves later by so much; what comes back by then is in the bucket already.
            bucket = bucket.at(bucket.began_ms + (bucket.paid_s + room.hold_back_s) * 1000)
        return reply, bucket.spent(cost.until_pivot).encode(), room.hold_back_s


def _flow_of(value: object) -> Flow:
    if type(value) is Flow:
        return value
    if isinstance(value, Mapping):
        return flow.raw(dict(value))
    raise AppError(
        "app.not_a_flow",
        f"The handler returned {type(value).__name__}: return a flow, such as flow.hangup()",
    )
