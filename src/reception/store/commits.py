"""
The group commit: steps, openings and jobs of many calls in one statement.

A step is stored if the step before it is, and if nobody has stored one of its number. The
end of an episode takes the number after the last step, as a row without a reply, so that an
end and a step which race want the same key and one of them gets it: no row of the episode
is locked or rewritten for a step (ADR 0012). Whoever does not get it is told so here; what
got it is read afterwards.

The subqueries are scalar on purpose. An EXISTS may be turned into a hash of the whole
table, and a plan that was made while the table was small would be kept.

Rows are sorted by key, episodes come before steps before jobs: two groups that meet wait
for each other in one order only.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from reception import faults
from reception.ports import NewStep, Opening
from reception.store import binary
from reception.store.lane import Lane

NAME_TENANTS: Final = "(text) AS SELECT set_config('reception.tenants', $1, true) -- tenant"

_OPENED: Final = """
    opened AS (
        INSERT INTO reception.episode
            (tenant, episode, account_id, call_id, digest, app, app_version, opened_at)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING
        RETURNING tenant, episode
    ),
"""
_FIRST: Final = """
    COALESCE(
        (SELECT true FROM opened o WHERE o.tenant = s.tenant AND o.episode = s.episode),
        (SELECT true FROM reception.episode e WHERE e.tenant = s.tenant AND e.episode = s.episode)
    )
"""
_STEPPED: Final = """
    INSERT INTO reception.step
        (tenant, episode, step_no, digest, reply, entries, bucket, created_at)
    SELECT * FROM unnest({arrays})
        AS s(tenant, episode, step_no, digest, reply, entries, bucket, created_at)
    WHERE {first} (
        SELECT p.reply IS NOT NULL FROM reception.step p
        WHERE p.tenant = s.tenant AND p.episode = s.episode AND p.step_no = s.step_no - 1
    ) {last}
    ON CONFLICT DO NOTHING
    RETURNING tenant, episode, step_no
"""
_QUEUED: Final = """
    queued AS (
        INSERT INTO reception.job (tenant, episode, step_no, ordinal, task, args, due_at)
        SELECT * FROM unnest($17, $18, $19, $20, $21, $22, $23)
            AS j(tenant, episode, step_no, ordinal, task, args, due_at)
        WHERE (SELECT true FROM stepped s WHERE s.tenant = j.tenant AND s.episode = j.episode
               AND s.step_no = j.step_no)
        ON CONFLICT DO NOTHING
    )
"""
_STEP_TYPES: Final = "text[], text[], int[], bytea[], bytea[], bytea[], bytea[], timestamptz[]"

# Most groups hold neither an opening nor a job.
COMMIT_STEPS: Final = f"({_STEP_TYPES}) AS " + _STEPPED.format(
    arrays="$1, $2, $3, $4, $5, $6, $7, $8", first="", last=""
)
COMMIT_ALL: Final = (
    "(text[], text[], text[], text[], bytea[], text[], text[], timestamptz[], "  # noqa: S608 - made of our own constants
    f"{_STEP_TYPES}, text[], text[], int[], int[], text[], bytea[], timestamptz[]) AS WITH "
    + _OPENED
    + "stepped AS ("
    + _STEPPED.format(
        arrays="$9, $10, $11, $12, $13, $14, $15, $16",
        first=f"CASE WHEN s.step_no = 0 THEN {_FIRST} ELSE",
        last="END",
    )
    + "), "
    + _QUEUED
    + "SELECT tenant, episode, -1 FROM opened "
    + "UNION ALL SELECT tenant, episode, step_no FROM stepped"
)

STATEMENTS: Final = {
    "name_tenants": NAME_TENANTS,
    "commit_steps": COMMIT_STEPS,
    "commit_all": COMMIT_ALL,
}

_Key = tuple[bytes, bytes, int]


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it travels."""

    task: bytes
    args: bytes
    due_at: int


@dataclass(slots=True)
class Entry:
    """What one caller wants committed, as it travels: an opening, a step, or both."""

    key: _Key
    """Tenant, episode and number, -1 for an opening alone."""
    group_key: Hashable
    opening: tuple[bytes, bytes, bytes, bytes, bytes, int] | None = None
    step: tuple[bytes, bytes, bytes, bytes, int] | None = None
    jobs: Sequence[Job] = ()


def entry_of(step: NewStep | None, opening: Opening | None = None) -> Entry:
    """
    Encode what is to be committed.

    Errors:
        AppError: a text that cannot be stored.
    """
    subject = step or opening
    assert subject is not None  # there is nothing to commit otherwise
    if step is not None and opening is not None:
        begun = (opening.tenant, opening.episode, 0)
        assert begun == (step.tenant, step.episode, step.step_no)  # it is the opening's first
    tenant = binary.tenant(subject.tenant)
    episode = binary.text("the episode", subject.episode)
    key = (tenant, episode, step.step_no if step else -1)
    entry = Entry(key, key)
    if opening is not None:
        call_id = binary.text("the Call-ID", opening.call_id)
        account_id = binary.text("the account", opening.account_id)
        entry.group_key = (tenant, account_id, call_id)
        entry.opening = (
            account_id,
            call_id,
            opening.digest,
            binary.text("the app's name", opening.app),
            binary.text("the app's version", opening.app_version),
            binary.moment(opening.now),
        )
    if step is not None:
        entry.step = (
            step.digest,
            step.reply,
            step.entries,
            step.bucket,
            binary.moment(step.now),
        )
        if step.jobs:
            entry.jobs = [
                Job(binary.text("the task", job.task), job.args, binary.moment(job.due_at))
                for job in step.jobs
            ]
    return entry


class Commits:
    """The work of the group commit; a result says whether the entry is the one that is stored."""

    def key(self, item: Entry) -> Hashable:
        """Two of one key wait for each other: the second must see what the first has done."""
        return item.group_key

    async def run(self, lane: Lane, items: Sequence[Entry]) -> Sequence[bool]:
        """Commit a group."""
        ordered = sorted(items, key=_by_key)
        faults.point("store.before_commit")
        named = naming([entry.key[0] for entry in ordered])
        if all(entry.opening is None and not entry.jobs and entry.key[2] > 0 for entry in ordered):
            call = (b"commit_steps", _steps(ordered))
        else:
            call = (b"commit_all", _openings(ordered) + _steps(ordered) + _jobs(ordered))
        _, rows = await lane.exchange([(b"name_tenants", [named]), call])
        faults.point("store.after_commit")
        value = rows.get_value
        won = {
            (value(row, 0), value(row, 1), binary.to_int(value(row, 2) or b""))
            for row in range(rows.ntuples)
        }
        return [entry.key in won for entry in items]


def naming(tenants: Sequence[bytes]) -> bytes:
    """Name the tenants of a transaction, as the policies read it; their ids hold no comma."""
    return b",%b," % b",".join(dict.fromkeys(tenants))


def _by_key(entry: Entry) -> _Key:
    return entry.key


def _steps(entries: Sequence[Entry]) -> list[bytes]:
    keys = [entry.key for entry in entries if entry.step]
    steps = [entry.step for entry in entries if entry.step]
    return [
        binary.text_array([key[0] for key in keys]),
        binary.text_array([key[1] for key in keys]),
        binary.int4_array([key[2] for key in keys]),
        binary.bytea_array([step[0] for step in steps]),
        binary.bytea_array([step[1] for step in steps]),
        binary.bytea_array([step[2] for step in steps]),
        binary.bytea_array([step[3] for step in steps]),
        binary.timestamptz_array([step[4] for step in steps]),
    ]


def _openings(entries: Sequence[Entry]) -> list[bytes]:
    keys = [entry.key for entry in entries if entry.opening]
    openings = [entry.opening for entry in entries if entry.opening]
    return [
        binary.text_array([key[0] for key in keys]),
        binary.text_array([key[1] for key in keys]),
        binary.text_array([opening[0] for opening in openings]),
        binary.text_array([opening[1] for opening in openings]),
        binary.bytea_array([opening[2] for opening in openings]),
        binary.text_array([opening[3] for opening in openings]),
        binary.text_array([opening[4] for opening in openings]),
        binary.timestamptz_array([opening[5] for opening in openings]),
    ]


def _jobs(entries: Sequence[Entry]) -> list[bytes]:
    rows = [(entry.key, number, job) for entry in entries for number, job in enumerate(entry.jobs)]
    return [
        binary.text_array([key[0] for key, _, _ in rows]),
        binary.text_array([key[1] for key, _, _ in rows]),
        binary.int4_array([key[2] for key, _, _ in rows]),
        binary.int4_array([number for _, number, _ in rows]),
        binary.text_array([job.task for _, _, job in rows]),
        binary.bytea_array([job.args for _, _, job in rows]),
        binary.timestamptz_array([job.due_at for _, _, job in rows]),
    ]
