"""
Loading episodes: one statement for the episode, its steps and its effects.

Loads travel in groups, like commits, since every pivot after the first begins with one. One
statement is one snapshot: an effect that a stored step has used is never missing. The reply
bytes, the bulk of a step, come only for the step that was asked for. The OFFSET 0 keeps the
planner from joining in another way than by the key, one episode after the other.

Not here: what a missing or an ended episode means for whoever asked.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, cast

from psycopg.pq.abc import PGresult

from reception.ports import EffectRow, EffectState, EpisodeRow, History, StoredStep
from reception.store import binary
from reception.store.commits import NAME_TENANTS, naming
from reception.store.lane import Lane

_LOAD: Final = """(text[], text[], int[]) AS
    WITH k AS MATERIALIZED (
        SELECT * FROM unnest($1, $2, $3) WITH ORDINALITY AS k(tenant, episode, step_no, place)
    )
    SELECT k.place, 0, NULL::int, e.account_id, e.call_id, e.app, e.app_version,
           NULL::bytea, NULL::bytea, NULL::bytea, e.opened_at, e.ended_at, e.end_cause,
           NULL::bytea
    FROM k CROSS JOIN LATERAL (
        SELECT * FROM reception.episode e
        WHERE e.tenant = k.tenant AND e.episode = k.episode OFFSET 0
    ) e
    UNION ALL
    SELECT k.place, 1, s.step_no, CASE WHEN s.reply IS NULL THEN 'end' END, NULL, NULL, NULL,
           s.entries, s.bucket, CASE WHEN s.step_no = k.step_no THEN s.reply END,
           s.created_at, NULL, NULL, s.digest
    FROM k CROSS JOIN LATERAL (
        SELECT * FROM reception.step s
        WHERE s.tenant = k.tenant AND s.episode = k.episode OFFSET 0
    ) s
    UNION ALL
    SELECT k.place, 2, f.step_no, f.op, f.state, f.owner, f.key,
           f.entries, NULL, f.result, f.lease_until, NULL, f.attempts::text, NULL
    FROM k CROSS JOIN LATERAL (
        SELECT * FROM reception.effect f
        WHERE f.tenant = k.tenant AND f.episode = k.episode OFFSET 0
    ) f
"""

STATEMENTS: Final = {"name_tenants": NAME_TENANTS, "load": _LOAD}

Wanted = tuple[bytes, bytes, int]
"""Tenant, episode, and the step whose reply is wanted."""


class Histories:
    """The work of a group of loads."""

    def key(self, item: Wanted) -> Hashable:
        """Loads never spoil each other."""
        return id(item)

    async def run(self, lane: Lane, items: Sequence[Wanted]) -> Sequence[History | None]:
        """Load a group."""
        tenants = [item[0] for item in items]
        arrays = [
            binary.text_array(tenants),
            binary.text_array([item[1] for item in items]),
            binary.int4_array([item[2] for item in items]),
        ]
        _, rows = await lane.exchange([(b"name_tenants", [naming(tenants)]), (b"load", arrays)])
        return _histories(rows, items)


def _histories(rows: PGresult, items: Sequence[Wanted]) -> list[History | None]:
    value = rows.get_value
    episodes: list[EpisodeRow | None] = [None] * len(items)
    steps: list[list[StoredStep]] = [[] for _ in items]
    effects: list[list[EffectRow]] = [[] for _ in items]
    ends: list[StoredStep | None] = [None] * len(items)
    # Most rows are steps, and every pivot comes by here: hence the short ways.
    to_int, step_kind, effect_kind = int.from_bytes, b"\0\0\0\1", b"\0\0\0\2"
    for row in range(rows.ntuples):
        place = to_int(value(row, 0) or b"", "big") - 1
        kind = value(row, 1)
        if kind == step_kind:
            is_end = value(row, 3) is not None
            step = StoredStep(
                to_int(value(row, 2) or b"", "big"),
                value(row, 13) or b"",
                value(row, 7),
                value(row, 8) or b"",
                binary.to_moment(value(row, 10) or b""),
                value(row, 9),
                is_end,
            )
            if is_end:
                ends[place] = step
            else:
                steps[place].append(step)
        elif kind == effect_kind:
            effects[place].append(_effect(rows, row))
        else:
            episodes[place] = _episode(rows, row, items[place])
    return [
        None
        if episode is None
        else History(
            episode,
            _in_order(steps[place]),
            tuple(sorted(effects[place], key=_operation)),
            ends[place],
        )
        for place, episode in enumerate(episodes)
    ]


def _episode(rows: PGresult, row: int, wanted: Wanted) -> EpisodeRow:
    value = rows.get_value
    ended_at = value(row, 11)
    return EpisodeRow(
        wanted[0].decode(),
        wanted[1].decode(),
        _bytes(value(row, 3)).decode(),
        _bytes(value(row, 4)).decode(),
        _bytes(value(row, 5)).decode(),
        _bytes(value(row, 6)).decode(),
        binary.to_moment(_bytes(value(row, 10))),
        None if ended_at is None else binary.to_moment(ended_at),
        _text(value(row, 12)),
    )


def _effect(rows: PGresult, row: int) -> EffectRow:
    value = rows.get_value
    return EffectRow(
        _bytes(value(row, 3)).decode(),
        binary.to_int(_bytes(value(row, 2))),
        cast("EffectState", _bytes(value(row, 4)).decode()),
        _bytes(value(row, 5)).decode(),
        binary.to_moment(_bytes(value(row, 10))),
        int(_bytes(value(row, 12))),
        _text(value(row, 6)),
        _bytes(value(row, 7)),
        value(row, 9),
    )


def _in_order(steps: list[StoredStep]) -> tuple[StoredStep, ...]:
    # The index gives them in order; that is no promise, so it is checked, which costs less.
    for place, step in enumerate(steps):
        if step.step_no != place:
            steps.sort(key=_number)
            break
    return tuple(steps)


def _number(step: StoredStep) -> int:
    return step.step_no


def _operation(effect: EffectRow) -> tuple[int, ...]:
    """The order of operations: 9 before 10, 10.2 before 10.10."""
    return tuple(int(part) if part.isdecimal() else -1 for part in effect.op.split("."))


def _bytes(value: bytes | None) -> bytes:
    assert value is not None  # the column is NOT NULL
    return value


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
