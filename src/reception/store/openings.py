"""
An opening that has met another one: a repetition, or a new episode of the same call.

The first opening of a call is committed with the groups and never comes here. Who comes
here has found an episode of the call: opened by the same body a moment ago, it is a
repetition; otherwise the open episode is ended and the new one begins, in one transaction.

Two unique keys make this hold between nodes: one open episode for each call, and one
occurrence of a body's opening. Whoever violates one has been overtaken, looks again, and
sees the one who was faster.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from psycopg import errors

from reception import faults
from reception.errors import Retry
from reception.ports import REPEATED_WITHIN, NewStep, Opened, Opening
from reception.store import ends, jobs
from reception.store.database import Connection, Database

MOST_COPIES: Final = 3
"""Proxies repeat a request once or twice; more is a loop, and gets the fallback."""

_ATTEMPTS: Final = 5

_KNOWN: Final = """
    SELECT episode, digest, occurrence, copies, opened_at, ended_at FROM reception.episode
    WHERE call_id = %(call_id)s AND account_id = %(account_id)s AND tenant = %(tenant)s
    ORDER BY opened_at DESC, episode
"""
# Does not wait for the disk: copies come in crowds, each holds a session, and a count that a
# dying database forgets does no harm.
_COUNT_COPY: Final = """
    UPDATE reception.episode SET copies = copies + 1
    WHERE tenant = %(tenant)s AND episode = %(episode)s
    RETURNING copies, set_config('synchronous_commit', 'off', true)
"""
_OPEN: Final = """
    INSERT INTO reception.episode (tenant, episode, account_id, call_id, digest, occurrence,
                                   app, app_version, opened_at)
    VALUES (%(tenant)s, %(episode)s, %(account_id)s, %(call_id)s, %(digest)s, %(occurrence)s,
            %(app)s, %(app_version)s, %(now)s)
"""
_FIRST_STEP: Final = """
    INSERT INTO reception.step
        (tenant, episode, step_no, digest, reply, entries, bucket, created_at)
    VALUES (%(tenant)s, %(episode)s, 0, %(digest)s, %(reply)s, %(entries)s, %(bucket)s, %(now)s)
"""


async def settle(database: Database, opening: Opening, first: NewStep | None) -> Opened:
    """Find out whether this opening is a repetition, or begin its episode."""
    faults.point("store.before_opening")
    for _ in range(_ATTEMPTS):
        try:
            async with database.transaction(opening.tenant) as connection:
                opened = await _settle(connection, opening, first)
        except errors.UniqueViolation:
            continue
        faults.point("store.after_opening")
        return opened
    raise Retry("store.busy", "others open episodes of this call at the same time")


async def _settle(connection: Connection, opening: Opening, first: NewStep | None) -> Opened:
    which = {
        "tenant": opening.tenant,
        "account_id": opening.account_id,
        "call_id": opening.call_id,
    }
    cursor = await connection.execute(_KNOWN, which, prepare=True, binary=True)
    open_ones: list[str] = []
    occurrence = 0
    for episode, digest, number, copies, opened_at, ended_at in await cursor.fetchall():
        if episode == opening.episode:
            # Our own: its commit was not acknowledged, and we came again.
            return Opened("opened", episode, copies)
        if digest == opening.digest:
            if not opening.is_new and _is_repetition(opened_at, opening.now):
                return await _count(connection, opening.tenant, episode)
            occurrence = max(occurrence, number + 1)
        if ended_at is None:
            open_ones.append(episode)
    for episode in open_ones:
        await ends.end_in(connection, opening.tenant, episode, "superseded", opening.now)
    values = {
        **which,
        "episode": opening.episode,
        "digest": opening.digest,
        "occurrence": occurrence,
        "app": opening.app,
        "app_version": opening.app_version,
        "now": opening.now,
    }
    await connection.execute(_OPEN, values, prepare=True)
    if first is not None:
        await _store_first(connection, first)
    return Opened("opened", opening.episode)


def _is_repetition(first_at: datetime, now: datetime) -> bool:
    # The clocks of two nodes differ: what came "before" the first is a repetition as well.
    return abs(now - first_at) <= REPEATED_WITHIN


async def _count(connection: Connection, tenant: str, episode: str) -> Opened:
    cursor = await connection.execute(
        _COUNT_COPY, {"tenant": tenant, "episode": episode}, prepare=True
    )
    row = await cursor.fetchone()
    copies: int = row[0] if row else 1
    return Opened("too_many" if copies > MOST_COPIES else "duplicate", episode, copies)


async def _store_first(connection: Connection, first: NewStep) -> None:
    values = {
        "tenant": first.tenant,
        "episode": first.episode,
        "digest": first.digest,
        "reply": first.reply,
        "entries": first.entries,
        "bucket": first.bucket,
        "now": first.now,
    }
    await connection.execute(_FIRST_STEP, values, prepare=True)
    await jobs.add(connection, first.tenant, first.episode, 0, first.jobs)
