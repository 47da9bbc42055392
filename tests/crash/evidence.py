"""
What is left after a crash, as the checks want it: read from the store and from the ledger.

Everything is read as the superuser, past the program: what the program says of its store
is what is on trial.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from reception.dialog.journal import Entries
from reception.ports import END_TASK
from tests.crash.history import (
    RESULT,
    History,
    Line,
    Step,
    StoredEffect,
    StoredEpisode,
    check_effects,
    check_episode,
    check_fallbacks,
    check_refusals,
    check_replies,
    check_results,
)

_ROWS_AT_ONCE = 2_000
_START_S = 30.0


class Evidence:
    """The store and the ledger of one service."""

    def __init__(self, owner_dsn: str, ledger: Path) -> None:
        self._dsn = owner_dsn
        self._ledger = ledger

    def wait_for_database(self) -> None:
        """Return when the store can be read: a service with a fault is up before its database."""
        give_up_at = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self._dsn).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.05)

    def check_recent(self, history: History) -> None:
        """Look for what was acknowledged since the last time."""
        steps = history.take_unchecked()
        for problem in check_replies(history, steps, self.digests_of(steps)):
            history.problem(problem)

    def check_all(self, history: History, deaths: dict[int, float]) -> None:
        """Hold everything that was heard against everything that is left."""
        stored = self.all_digests()
        effects = self.effects()
        ledger = self.ledger()
        names = dict(self._first_requests())
        history.fallbacks = {
            (names.get(name, name), number): is_explained
            for (name, number), is_explained in history.fallbacks.items()
        }
        found = [
            *check_replies(history, history.acknowledged, stored),
            *check_fallbacks(history, stored),
            *check_refusals(history, self._begun_anew()),
            *check_effects(ledger, effects, deaths),
            *check_results(history.results, effects),
        ]
        for episode in self.episodes():
            found.extend(check_episode(episode, end_task=END_TASK))
            history.counts["episodes"] += 1
            history.counts["stored steps"] += len(episode.steps)
            history.counts["stored jobs"] += len(episode.jobs)
        for problem in found:
            history.problem(problem)

    def digests_of(self, steps: Iterable[Step]) -> dict[Step, bytes]:
        """The digests of these steps' replies."""
        asked = list(steps)
        query = (
            "SELECT s.episode, s.step_no, sha256(s.reply) FROM reception.step s"
            " JOIN unnest(%s::text[], %s::int[]) AS w(episode, step_no) USING (episode, step_no)"
            " WHERE s.reply IS NOT NULL AND s.tenant = 'desk'"
        )
        with self._rows(query, [[s[0] for s in asked], [s[1] for s in asked]]) as rows:
            return {(episode, number): digest for episode, number, digest in rows}

    def all_digests(self) -> dict[Step, bytes]:
        """The digests of all replies."""
        query = (
            "SELECT episode, step_no, sha256(reply) FROM reception.step"
            " WHERE reply IS NOT NULL AND tenant = 'desk'"
        )
        with self._rows(query, []) as rows:
            return {(episode, number): digest for episode, number, digest in rows}

    def effects(self) -> list[StoredEffect]:
        """All effects."""
        query = "SELECT key, state, attempts, result FROM reception.effect WHERE tenant = 'desk'"
        found = []
        with self._rows(query, []) as rows:
            for key, state, attempts, result in rows:
                word = RESULT.search((result or b"").decode())
                found.append(StoredEffect(key, state, attempts, word[0] if word else ""))
        return found

    def ledger(self) -> list[Line]:
        """All lines of the ledger; one that a death cut off is none."""
        whole = self._ledger.read_text().rpartition("\n")[0]
        return [Line.read(line) for line in whole.splitlines()]

    def episodes(self) -> Iterator[StoredEpisode]:
        """All episodes."""
        jobs: dict[str, list[tuple[int, str]]] = defaultdict(list)
        with self._rows("SELECT episode, step_no, task FROM reception.job", []) as rows:
            for episode, number, task in rows:
                jobs[episode].append((number, task))
        ended: dict[str, bool] = {}
        with self._rows("SELECT episode, ended_at IS NOT NULL FROM reception.episode", []) as rows:
            ended.update(rows)
        steps: dict[str, dict[int, int]] = defaultdict(dict)
        ends: dict[str, tuple[int, int]] = {}
        query = "SELECT episode, step_no, entries, reply IS NULL FROM reception.step"
        with self._rows(query, []) as rows:
            for episode, number, entries, is_end in rows:
                if is_end:
                    ends[episode] = (number, _enqueued(entries) if entries else 0)
                else:
                    steps[episode][number] = _enqueued(entries)
        for episode in ended.keys() | steps.keys() | jobs.keys():
            end, after_end = ends.get(episode, (None, 0))
            yield StoredEpisode(
                episode, ended.get(episode, False), steps[episode], jobs[episode], end, after_end
            )

    def _begun_anew(self) -> set[str]:
        """Episodes that the same request has ended which began them."""
        query = (
            "SELECT a.episode FROM reception.episode a JOIN reception.episode b"
            " USING (tenant, account_id, call_id, digest)"
            " WHERE a.end_cause = 'superseded' AND b.opened_at > a.opened_at + interval '10 s'"
        )
        with self._rows(query, []) as rows:
            return {episode for (episode,) in rows}

    def _first_requests(self) -> Iterator[tuple[str, str]]:
        """The first episode that each first request has begun."""
        query = (
            "SELECT encode(digest, 'hex'), episode FROM reception.episode ORDER BY opened_at DESC"
        )
        with self._rows(query, []) as rows:
            yield from rows

    @contextmanager
    def _rows(self, query: str, values: list[Any]) -> Iterator[Iterator[tuple[Any, ...]]]:
        with psycopg.connect(self._dsn) as connection, connection.cursor("rows") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(query.encode(), values)
            yield iter(cursor)


def _enqueued(entries: bytes) -> int:
    return sum(entry.kind == "enqueue" for entry in Entries.decode(entries).entries)
