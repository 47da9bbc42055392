"""
What the use cases need of the world, as protocols and frozen records.

One adapter in the product answers each protocol (`reception.store`), and tests use that
one too: there is no second store. Every method names the tenant, and every time is an
argument. What is `bytes` here (replies, journal entries, token buckets, arguments) is
opaque to the store.

Three errors leave a port: `Retry` when the database is out of reach (the call may or may
not have taken effect, and may be made again as it was), `AppError` for a text that cannot
be stored, `NeedsHuman` when somebody must act first. An outcome is never an error: it has
a name in the answer.

Not here: SQL, and what the outcomes mean for a caller.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

END_TASK: Final = "reception.dialog_ended"
"""Task of the one job that the end of an episode defers."""

CALL_TASK: Final = "reception.call_ended"
"""Task of the one job that the end of a call defers, for the application's `ended`."""

ENDINGS: Final = ("destroy", "disconnected")
"""Events of a leg that is over: it is destroyed, or the switch that it was on is lost."""

REPEATED_WITHIN: Final = timedelta(seconds=10)
"""An equal first body this long after its first arrival is a copy (contract/dialogs.md §3)."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """Background work that is committed with a step, and only if that step wins."""

    task: str
    args: bytes = field(repr=False)
    due_at: datetime


@dataclass(frozen=True, slots=True)
class NewStep:
    """
    A step as it is to be stored.

    `digest` identifies the request, `entries` are the journal entries that the step appended
    (all of them, also those that a claim flushed before), `bucket` the model of the token
    bucket after it.
    """

    tenant: str
    episode: str
    step_no: int
    digest: bytes
    reply: bytes = field(repr=False)
    entries: bytes = field(repr=False)
    bucket: bytes = field(repr=False)
    now: datetime
    jobs: tuple[NewJob, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredStep:
    """
    A step as it is stored.

    `reply` is None where it was not asked for (see `Steps.load`). `is_end` marks the row that
    the end of the episode put after the last step: it has no reply, its entries are what the
    ended dialog did afterwards, and None stands for "not done yet".
    """

    step_no: int
    digest: bytes
    entries: bytes | None = field(repr=False)
    bucket: bytes = field(repr=False)
    created_at: datetime
    reply: bytes | None = field(default=None, repr=False)
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """
    A step 0 that wants to begin an episode.

    `episode` is a fresh random token, `digest` stands for the parsed body. `is_new` says that
    this cannot be a repetition (the request carries the token of an earlier episode).
    """

    tenant: str
    episode: str
    account_id: str
    call_id: str
    digest: bytes
    app: str
    app_version: str
    now: datetime
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One application's conversation with one call."""

    tenant: str
    episode: str
    account_id: str
    call_id: str
    app: str
    app_version: str
    opened_at: datetime
    ended_at: datetime | None
    end_cause: str | None


EffectState = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class EffectRow:
    """
    One effect of an episode: who runs it, or what came of it.

    `entries` is the journal buffer as it stood when the effect was claimed.
    """

    op: str
    step_no: int
    state: EffectState
    owner: str
    lease_until: datetime
    attempts: int
    key: str | None
    entries: bytes = field(repr=False)
    result: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class History:
    """Everything that a replay needs, in the order in which it happened."""

    episode: EpisodeRow
    steps: tuple[StoredStep, ...]
    effects: tuple[EffectRow, ...]
    end: StoredStep | None = None
    """The row of the end, whose number no step can have any more."""

    @property
    def head(self) -> int:
        """The number of the last step, -1 before the first."""
        return self.steps[-1].step_no if self.steps else -1

    def step(self, step_no: int) -> StoredStep | None:
        """The step of that number; numbers have no gaps."""
        return self.steps[step_no] if 0 <= step_no < len(self.steps) else None


@dataclass(frozen=True, slots=True)
class Committed:
    """
    What became of a step.

    ``stored``: it is the one. ``duplicate``: another one of that number was first, and `step`
    holds it with its reply. ``ended``: the episode ends before this number, and no new step
    comes any more. ``refused``: no such episode, or not the number after the last one.
    """

    fate: Literal["stored", "duplicate", "ended", "refused"]
    step: StoredStep | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What became of an opening.

    ``opened``: the episode is ours, `step` is None. ``duplicate``: the same body opened
    `episode` a moment ago; `step` is its step 0 with the reply, None while nobody has stored
    one. ``too_many``: the same once more than anybody repeats a request by accident.
    """

    fate: Literal["opened", "duplicate", "too_many"]
    episode: str
    copies: int = 0
    step: StoredStep | None = None


@dataclass(frozen=True, slots=True)
class EffectClaim:
    """
    Somebody wants to run an effect, which is operation `op` of its episode.

    `owner` is fresh for each claim. `entries` is the journal buffer up to the effect, stored
    with the claim. `is_ending` says that the ended dialog claims it, not a step; then
    `step_no` is the number of the end row.
    """

    tenant: str
    episode: str
    step_no: int
    op: str
    owner: str
    key: str | None
    entries: bytes = field(repr=False)
    now: datetime
    lease_until: datetime
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    Who runs an effect.

    ``ours``: run it, `effect.attempts` says for the how manieth time. ``theirs``: another one
    runs it, ask again. ``settled``: it has run, `effect` holds the result. ``exhausted``: it was
    begun too often and never came to an end. ``stored``: the step is stored already, or the
    episode has gone. ``ended``: the episode has ended. In the last two nothing may be run.
    """

    fate: Literal["ours", "theirs", "settled", "exhausted", "stored", "ended"]
    effect: EffectRow | None = None


@dataclass(frozen=True, slots=True)
class EndRun:
    """What an ended dialog did after its end: journal entries and jobs, stored once."""

    tenant: str
    episode: str
    entries: bytes = field(repr=False)
    now: datetime
    jobs: tuple[NewJob, ...] = ()


@dataclass(frozen=True, slots=True)
class TenantKey:
    """A key for the MACs of a tenant's URLs."""

    generation: int
    secret: bytes = field(repr=False)
    made_at: datetime


class Steps(Protocol):
    """Episodes, their steps and effects: what makes a dialog survive."""

    async def load(self, tenant: str, episode: str, step_no: int) -> History | None:
        """Load an episode's history in one query, with the reply of step `step_no` only."""
        ...

    async def open(self, opening: Opening, first: NewStep | None = None) -> Opened:
        """
        Begin an episode, together with its step 0 where that is known already.

        An open episode of the same call is ended in the same transaction.
        """
        ...

    async def commit(self, step: NewStep) -> Committed:
        """Store the next step with its jobs; returns when it is on disk."""
        ...

    async def claim(self, claim: EffectClaim) -> Claimed:
        """Store the buffer and say who runs the effect; a lease that has run out is taken over."""
        ...

    async def renew(
        self, tenant: str, episode: str, op: str, *, owner: str, lease_until: datetime
    ) -> bool:
        """Prolong a lease; False when the effect is not the owner's any more."""
        ...

    async def finish(
        self, tenant: str, episode: str, op: str, *, owner: str, failed: bool, result: bytes
    ) -> bool:
        """Store what came of an effect; False when the effect is not the owner's any more."""
        ...

    async def effect(self, tenant: str, episode: str, op: str) -> EffectRow | None:
        """Load one effect, for those who wait for it."""
        ...

    async def end(self, tenant: str, episode: str, *, cause: str, now: datetime) -> bool:
        """End an episode, once, and defer its `END_TASK`; False when it had ended or never was."""
        ...

    async def finish_end(self, run: EndRun) -> bool:
        """Store what the ended dialog did; False when that was stored before."""
        ...

    async def add_alias(self, tenant: str, episode: str, call_id: str) -> None:
        """Remember that the platform has given the call of an episode another Call-ID."""
        ...

    async def of_call(self, tenant: str, call_id: str) -> Sequence[EpisodeRow]:
        """Find the episodes of a call by any of its Call-IDs, the latest first."""
        ...

    async def silent(self, tenant: str, *, since: datetime, limit: int) -> Sequence[str]:
        """Find open episodes in which nothing has happened since then, for whoever ends them."""
        ...


@dataclass(frozen=True, slots=True)
class DueJob:
    """
    Background work that somebody has taken, for as long as the lease lasts.

    `step_no` and `ordinal` name the job within its episode; `attempts` counts this one too, and
    is the title to the job.
    """

    tenant: str
    episode: str
    step_no: int
    ordinal: int
    task: str
    args: bytes = field(repr=False)
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadJob:
    """Background work that was given up: when, after how many attempts, and why."""

    tenant: str
    episode: str
    step_no: int
    ordinal: int
    task: str
    attempts: int
    at: datetime
    problem: str | None


class Jobs(Protocol):
    """Background work: done at least once, and put aside where it cannot be done."""

    async def take(
        self, tenants: Sequence[str], *, now: datetime, lease_until: datetime, limit: int
    ) -> Sequence[DueJob]:
        """Take what is due, the oldest first; also what another worker took and has not done."""
        ...

    async def renew(self, job: DueJob, *, lease_until: datetime) -> bool:
        """Prolong a lease; False when the job is not the worker's any more."""
        ...

    async def done(self, job: DueJob, *, now: datetime) -> bool:
        """Note that it is done; False when the job is not the worker's any more."""
        ...

    async def again(self, job: DueJob, *, due_at: datetime, problem: str) -> bool:
        """Put it off; False when the job is not the worker's any more."""
        ...

    async def postpone(self, job: DueJob, *, due_at: datetime, problem: str) -> bool:
        """Put it off without counting the attempt; False when it is not the worker's any more."""
        ...

    async def bury(self, job: DueJob, *, now: datetime, problem: str) -> bool:
        """Put it aside for a person; False when the job is not the worker's any more."""
        ...

    async def defer_once(self, tenant: str, episode: str, task: str, *, due_at: datetime) -> None:
        """Defer a task of an episode of which there is never more than one; again is nothing."""
        ...

    async def overdue(
        self, tenants: Sequence[str], *, now: datetime
    ) -> tuple[int, datetime | None]:
        """Count what is due, and say since when the oldest has been."""
        ...


@dataclass(frozen=True, slots=True)
class NewReport:
    """
    What the platform says of one leg, as it is to be stored.

    `call_id` is "" where the report named none. `digest` stands for what it says: two reports of
    one digest are copies. `other_leg_id`, `interaction_id` and `mark` (the episode that our own
    variable names) lead to the other legs of the conversation; "" where there is none.
    """

    tenant: str
    call_id: str
    event: str
    digest: bytes
    account_id: str
    report: bytes = field(repr=False)
    received_at: datetime
    other_leg_id: str = ""
    interaction_id: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it is stored."""

    tenant: str
    call_id: str
    event: str
    digest: bytes
    account_id: str
    report: bytes = field(repr=False)
    received_at: datetime


class Reports(Protocol):
    """Reports of legs, each different one once."""

    async def keep(self, report: NewReport) -> None:
        """Store a report; returns when it is on disk. A copy changes nothing."""
        ...

    async def new(self, tenants: Sequence[str], *, limit: int) -> Sequence[StoredReport]:
        """Load reports of which nobody has drawn the consequences, the oldest first."""
        ...

    async def overtaken(
        self, tenants: Sequence[str], *, since: datetime, limit: int
    ) -> Sequence[StoredReport]:
        """
        Load reports of the end of calls whose dialogs were opened since then and are open still.

        A caller who hangs up at once is reported before the first answer is stored.
        """
        ...

    async def seen(self, report: StoredReport) -> None:
        """Note that the consequences of a report are drawn."""
        ...

    async def together(
        self,
        tenant: str,
        *,
        calls: Collection[str],
        interactions: Collection[str],
        marks: Collection[str],
    ) -> Sequence[StoredReport]:
        """Load what was said of these calls, of legs bridged with them, and of their company."""
        ...


class Keys(Protocol):
    """The keys of the tenants: two are live, the newest signs."""

    async def load(self, tenant: str) -> Sequence[TenantKey]:
        """Load the live keys, the newest first."""
        ...

    async def ensure(self, tenant: str, *, secret: bytes, now: datetime) -> Sequence[TenantKey]:
        """Make `secret` the first key unless there is one; whoever was first, load the live keys."""
        ...

    async def rotate(
        self, tenant: str, *, after: int, secret: bytes, now: datetime
    ) -> Sequence[TenantKey]:
        """Add a key unless somebody else has rotated generation `after` away, and drop all but two."""
        ...
