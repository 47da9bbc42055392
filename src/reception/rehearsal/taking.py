"""
From what the store has of an episode to a recorded call.

The rule this file keeps: nothing is judged and nothing redacted here; what cannot be known
(a secret, what another tenant's fallback was) is simply not there. Only URLs back to us are
made plain (`own_urls`): they hold MACs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from reception.dialog import Entries
from reception.dialog.tokens import Bucket
from reception.ports import History, StoredStep
from reception.rehearsal.own_urls import STEP, plain_urls
from reception.rehearsal.recording import Done, End, RecordedCall, Step


def taken(history: History, replies: Mapping[int, bytes]) -> RecordedCall:
    """
    Make the record of an episode.

    Shape:
        replies: by step number; the store loads one at a time.

    Errors:
        AppError("dialog.journal_format"): a newer release wrote it.
    """
    row = history.episode
    steps = tuple(
        _step(step, replies[step.step_no], row.tenant, row.episode) for step in history.steps
    )
    fallback, deadline_s = _settings([step.reply for step in steps])
    return RecordedCall(
        episode=row.episode,
        call_id=row.call_id,
        account_id=row.account_id,
        app=row.tenant,
        opened_at=row.opened_at,
        steps=steps,
        app_version=row.app_version,
        fallback=fallback,
        deadline_s=deadline_s,
        end=_end(history),
    )


def _step(stored: StoredStep, reply: bytes, app: str, episode: str) -> Step:
    told = Entries.decode(stored.entries or b"")
    bucket = Bucket.decode(stored.bucket, 0) if stored.bucket else None
    return Step(
        step_no=stored.step_no,
        at=stored.created_at,
        reply=plain_urls(msgspec.json.decode(reply), app=app, episode=episode),
        app_version=told.app_version,
        bucket=(bucket.left, bucket.began_ms, bucket.paid_s) if bucket else None,
        request=told.request,
        operations=tuple(map(Done.of, told.entries)),
    )


def _end(history: History) -> End | None:
    end = history.end
    if end is None or end.entries is None:
        return None
    told = Entries.decode(end.entries)
    return End(
        end.step_no,
        history.episode.end_cause or "",
        told.app_version,
        tuple(map(Done.of, told.entries)),
    )


def _settings(replies: list[Any]) -> tuple[Any, float]:
    """The tenant's fallback and deadline, as its pivots say."""
    waiting = list(replies)
    while waiting:
        node = waiting.pop(0)
        data = node["data"]
        if node["module"] == "pivot" and str(data.get("voice_url", "")).startswith(STEP):
            patience_ms = data.get("req_timeout_ms", 0)
            # Half a second above the deadline, and four seconds at least (`dialog.replies`).
            deadline_s = (patience_ms - 500) / 1000 if patience_ms > 4000 else 2.0
            return node["children"].get("_"), deadline_s
        waiting += node["children"].values()
    return None, 2.0
