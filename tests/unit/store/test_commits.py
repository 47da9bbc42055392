"""Two nodes and one database: what holds when things happen at the same time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from typing import TypeVar

import uvloop

from reception.ports import END_TASK, Committed, Opened
from reception.store.steps import PostgresSteps
from tests.unit.store.conftest import rows, serving
from tests.unit.store.records import NOW, TENANT, claim, job, opening, step

T = TypeVar("T")


async def _together(*calls: Awaitable[T]) -> list[T]:
    """Release all of them at once, in an order of chance."""
    order = list(range(len(calls)))
    random.shuffle(order)
    tasks: dict[int, asyncio.Future[T]] = {n: asyncio.ensure_future(calls[n]) for n in order}
    return [await tasks[n] for n in range(len(calls))]


def _deadlocks(dsn: str) -> int:
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return int(rows(dsn, query)[0][0])


def test_of_a_step_and_its_duplicate_one_is_stored_and_both_get_its_bytes(
    dsn: str, owner_dsn: str
) -> None:
    calls, last = 60, 5

    async def one(nodes: tuple[PostgresSteps, PostgresSteps], number: int) -> None:
        episode = f"e{number}"
        a, b = nodes
        for step_no in range(1, last + 1):
            mine = step(episode, step_no, f"{number}.{step_no} a".encode(), jobs=(job("a"),))
            theirs = step(episode, step_no, f"{number}.{step_no} b".encode(), jobs=(job("b"),))
            first, second = await _together(a.commit(mine), b.commit(theirs))
            assert ["duplicate", "stored"] == sorted((first.fate, second.fate))
            loser, winner = (second, mine) if first.fate == "stored" else (first, theirs)
            assert loser.step is not None
            assert winner.reply == loser.step.reply

    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            await asyncio.gather(
                *(a.open(opening(f"e{n}", str(n)), step(f"e{n}", 0)) for n in range(calls))
            )
            await asyncio.gather(*(one((a, b), number) for number in range(calls)))

    before = _deadlocks(owner_dsn)
    uvloop.run(scenario())
    assert before == _deadlocks(owner_dsn)
    assert [(calls * last,)] == rows(owner_dsn, "SELECT count(*) FROM reception.job")


def test_the_same_groups_in_any_order_on_two_nodes_never_wait_in_a_circle(
    dsn: str, owner_dsn: str
) -> None:
    episodes = [f"e{n:02d}" for n in range(64)]

    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            await asyncio.gather(*(a.open(opening(e, e), step(e, 0)) for e in episodes))
            for step_no in range(1, 8):
                fates = await _together(
                    *(node.commit(step(e, step_no)) for e in episodes for node in (a, b))
                )
                assert {"stored": 64, "duplicate": 64} == Counter(each.fate for each in fates)

    before = _deadlocks(owner_dsn)
    asyncio.run(scenario())
    assert before == _deadlocks(owner_dsn)


def test_of_an_end_and_a_step_that_race_one_is_first_and_the_other_knows(
    dsn: str, owner_dsn: str
) -> None:
    episodes = [f"e{n:02d}" for n in range(20)]

    async def scenario() -> tuple[dict[str, Committed], list[bool]]:
        async with serving(dsn) as a, serving(dsn) as b:
            await asyncio.gather(*(a.open(opening(e, e), step(e, 0)) for e in episodes))
            commits = [a.commit(step(e, 1)) for e in episodes]
            ends = [
                b.end(TENANT, e, cause=cause, now=NOW) for e in episodes for cause in ("1", "2")
            ]
            results = await _together(*commits, *ends)
            committed = [each for each in results if isinstance(each, Committed)]
            return dict(zip(episodes, committed, strict=True)), [
                each for each in results if isinstance(each, bool)
            ]

    committed, ended = asyncio.run(scenario())
    assert [True] * len(episodes) == [
        any(pair) for pair in zip(ended[::2], ended[1::2], strict=True)
    ]
    assert len(episodes) == sum(ended)
    places = dict(
        rows(owner_dsn, "SELECT episode, step_no FROM reception.step WHERE reply IS NULL")
    )
    assert places == {
        episode: 2 if each.fate == "stored" else 1 for episode, each in committed.items()
    }
    assert {"stored", "ended"} >= {each.fate for each in committed.values()}
    assert [(END_TASK, 20)] == rows(
        owner_dsn, "SELECT task, count(*) FROM reception.job GROUP BY task"
    )


def test_equal_openings_at_once_open_one_episode(dsn: str, owner_dsn: str) -> None:
    calls = [f"c{n}" for n in range(30)]

    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            results = await _together(
                *(
                    node.open(
                        opening(f"{call}{name}", call), step(f"{call}{name}", 0, name.encode())
                    )
                    for call in calls
                    for node, name in ((a, "a"), (b, "b"), (a, "c"))
                )
            )
            for number, call in enumerate(calls):
                three = results[3 * number : 3 * number + 3]
                assert Counter(opened=1, duplicate=2) == Counter(each.fate for each in three)
                assert 1 == len({each.episode for each in three})
                winner = three[0].episode.removeprefix(call).encode()
                for each in three:
                    if each.fate == "duplicate":
                        assert each.step is not None
                        assert winner == each.step.reply

    asyncio.run(scenario())
    assert [(30,)] == rows(owner_dsn, "SELECT count(*) FROM reception.episode")
    assert [(30,)] == rows(owner_dsn, "SELECT count(*) FROM reception.step")


def test_different_openings_of_a_call_at_once_leave_one_open(dsn: str, owner_dsn: str) -> None:
    calls = [f"c{n}" for n in range(20)]

    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            results = await _together(
                *(
                    node.open(
                        opening(f"{call}{name}", call, digest=name.encode()),
                        step(f"{call}{name}", 0),
                    )
                    for call in calls
                    for node, name in ((a, "a"), (b, "b"), (a, "c"), (b, "d"))
                )
            )
            assert {"opened"} == {each.fate for each in results}

    asyncio.run(scenario())
    assert [(20, 60)] == rows(
        owner_dsn,
        "SELECT count(*) FILTER (WHERE ended_at IS NULL), count(ended_at) FROM reception.episode",
    )
    assert [(60,)] == rows(owner_dsn, "SELECT count(*) FROM reception.job")


def test_an_effect_that_many_claim_at_once_is_run_by_one(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            await a.open(opening("e"))
            for op in range(20):
                claims = await _together(
                    *(
                        node.claim(claim("e", 0, str(op), owner=f"{name}{n}"))
                        for node, name in ((a, "a"), (b, "b"))
                        for n in range(4)
                    )
                )
                assert {"ours": 1, "theirs": 7} == Counter(each.fate for each in claims)

    asyncio.run(scenario())


def test_after_the_end_every_claim_that_was_made_is_seen(dsn: str) -> None:
    async def one(nodes: tuple[PostgresSteps, PostgresSteps], number: int) -> None:
        a, b = nodes
        episode = f"e{number}"
        claims = [a.claim(claim(episode, 1, str(op))) for op in range(3)]

        async def end_and_look() -> set[str]:
            assert await b.end(TENANT, episode, cause="hangup", now=NOW)
            history = await b.load(TENANT, episode, 0)
            assert history is not None
            return {effect.op for effect in history.effects}

        looking = asyncio.create_task(end_and_look())
        claimed = await _together(*claims)
        made = {str(op) for op, each in enumerate(claimed) if each.fate == "ours"}
        assert made == await looking
        assert {"ours", "ended"} >= {each.fate for each in claimed}

    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            for n in range(30):
                await a.open(opening(f"e{n}", str(n)), step(f"e{n}", 0))
                await one((a, b), n)

    asyncio.run(scenario())


def test_steps_ends_and_openings_of_the_same_calls_at_once_all_get_an_answer(
    dsn: str, owner_dsn: str
) -> None:
    """The one mixture in which two transactions can wait for each other; somebody must give way."""
    calls = [f"c{n}" for n in range(8)]

    async def scenario() -> None:
        async with serving(dsn) as a, serving(dsn) as b:
            for number in range(6):
                current = [f"{call}.{number}" for call in calls]
                await asyncio.gather(
                    *(
                        a.open(opening(e, c, digest=str(number).encode()), step(e, 0))
                        for e, c in zip(current, calls, strict=True)
                    )
                )
                work: list[Awaitable[object]] = []
                for episode, call in zip(current, calls, strict=True):
                    for node in (a, b):
                        work += [
                            node.commit(step(episode, 1)),
                            node.open(
                                opening(f"{episode}{id(node)}", call, digest=f"x{number}".encode())
                            ),
                            node.end(TENANT, episode, cause="hangup", now=NOW),
                        ]
                for result in await _together(*work):
                    assert isinstance(result, (Committed, Opened, bool))

    asyncio.run(scenario())
    assert [] == rows(
        owner_dsn,
        "SELECT call_id FROM reception.episode WHERE ended_at IS NULL"
        " GROUP BY call_id HAVING count(*) > 1",
    )
    # Every ended episode has one end row, after its last step, and one job.
    assert [] == rows(
        owner_dsn,
        "SELECT e.episode FROM reception.episode e LEFT JOIN reception.step s"
        " ON s.episode = e.episode AND s.reply IS NULL LEFT JOIN reception.job j"
        " ON j.episode = e.episode AND j.step_no = s.step_no"
        " WHERE (e.ended_at IS NULL) <> (s.episode IS NULL)"
        " OR (e.ended_at IS NULL) <> (j.episode IS NULL)",
    )
