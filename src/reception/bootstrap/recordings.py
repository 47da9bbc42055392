"""
Recorded calls from where they are: the store, or files.

The rule this file keeps: what a recording is and holds is `rehearsal`'s; here it is only
fetched. The store is read as the program's own role, a tenant at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from reception.bootstrap.problems import reason_of
from reception.errors import NeedsHuman
from reception.ports import Steps
from reception.rehearsal.recording import RecordedCall, read_recordings
from reception.rehearsal.taking import taken
from reception.store.database import Database
from reception.store.recent import since as opened_since
from reception.store.steps import PostgresSteps

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Some ten thousand calls; a bound for devices and mistakes."""


async def from_store(
    address: str, tenant: str, names: Sequence[str], *, since: datetime | None = None
) -> list[RecordedCall]:
    """
    Fetch calls of a tenant, each once, in the order in which they were asked for.

    Shape:
        names: Call-IDs (all episodes of the call, the earliest first) and episodes.
        since: as well, all that began then or later.

    Errors:
        NeedsHuman("replay.no_call"): there is none of that name.
        Retry: the database is away.
    """
    database = Database(address)
    steps = PostgresSteps(database)
    steps.start()
    try:
        episodes: list[str] = []
        for name in names:
            found = [row.episode for row in await steps.of_call(tenant, name)][::-1]
            episodes += found or [name]
        if since is not None:
            episodes += opened_since(address, tenant, since)
        return [await take(steps, tenant, episode) for episode in dict.fromkeys(episodes)]
    finally:
        await steps.stop()
        await database.close()


async def take(steps: Steps, tenant: str, episode: str) -> RecordedCall:
    """
    Fetch one episode.

    Errors:
        NeedsHuman("replay.no_call"): there is no such episode.
    """
    history = await steps.load(tenant, episode, 0)
    if history is None:
        raise NeedsHuman(
            "replay.no_call",
            f"tenant {tenant} has no call or episode {episode}: calls that one step answered"
            " without a dialog are not kept, and ended ones only for keep_days",
        )
    replies: dict[int, bytes] = {}
    for step in history.steps:
        # The store gives the reply of one step at a time, which is all that a pivot needs.
        one = await steps.load(tenant, episode, step.step_no)
        stored = one.step(step.step_no) if one else None
        if stored is None or stored.reply is None:
            raise NeedsHuman("replay.no_call", f"episode {episode} is being removed just now")
        replies[step.step_no] = stored.reply
    return taken(history, replies)


def from_file(path: Path) -> Sequence[RecordedCall]:
    """
    Read a file of `reception export`.

    Errors:
        NeedsHuman("replay.unreadable"): it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that holds a NUL
        raise NeedsHuman(
            "replay.unreadable", f"cannot read {path.name}: {reason_of(error)}"
        ) from None
    if len(body) > MAX_FILE_BYTES:
        raise NeedsHuman("replay.unreadable", f"{path.name} is too large to be a recording")
    try:
        return read_recordings(body)
    except NeedsHuman as error:
        raise NeedsHuman(error.code, f"{path.name}: {error.message}") from None
