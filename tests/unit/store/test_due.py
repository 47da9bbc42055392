"""Work that is due goes to one worker, and comes back when that worker dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import psycopg

from reception.ports import DueJob, NewJob
from reception.store import database, due
from reception.store.database import Database
from reception.store.due import PostgresJobs
from tests.unit.store.conftest import rows, serving
from tests.unit.store.records import NOW, TENANT, opening, step

LATER = NOW + timedelta(seconds=30)


def run(dsn: str, test: Callable[[PostgresJobs], Awaitable[None]], *jobs: NewJob) -> None:
    """Let a step defer jobs, and look at them."""

    async def main() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0, jobs=jobs))
        database = Database(dsn)
        try:
            await test(PostgresJobs(database))
        finally:
            await database.close()

    asyncio.run(main())


def job(task: str = "crm:note", after_s: float = 0.0) -> NewJob:
    return NewJob(task, b"[[],{}]", NOW + timedelta(seconds=after_s))


async def take(jobs: PostgresJobs, now: datetime = NOW, tenant: str = TENANT) -> list[DueJob]:
    return list(
        await jobs.take([tenant], now=now, lease_until=now + timedelta(seconds=30), limit=10)
    )


def test_a_job_is_taken_once_and_done_once(dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        (taken,) = await take(jobs)
        assert (TENANT, "e", 0, "crm:note", b"[[],{}]", 1) == (
            taken.tenant,
            taken.episode,
            taken.step_no,
            taken.task,
            taken.args,
            taken.attempts,
        )
        assert [] == await take(jobs)
        assert await jobs.done(taken, now=NOW)
        assert not await jobs.done(taken, now=NOW)
        assert [] == await take(jobs, LATER + timedelta(days=1))

    run(dsn, test, job())


def test_nothing_is_taken_before_it_is_due_and_the_oldest_comes_first(dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        assert ["b", "a"] == [each.task for each in await take(jobs, NOW + timedelta(seconds=5))]
        (last,) = await take(jobs, NOW + timedelta(seconds=10))
        assert "c" == last.task

    run(dsn, test, job("a", 5), job("b", 1), job("c", 10))


def test_what_a_dead_worker_had_is_due_again_when_its_lease_ends(dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        (first,) = await take(jobs)
        assert [] == await take(jobs, NOW + timedelta(seconds=29))
        (second,) = await take(jobs, LATER)
        assert 2 == second.attempts
        # Whoever was overtaken has nothing to say any more.
        assert not await jobs.done(first, now=LATER)
        assert not await jobs.renew(first, lease_until=LATER)
        assert await jobs.done(second, now=LATER)

    run(dsn, test, job())


def test_a_lease_that_is_renewed_keeps_others_away(dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        (mine,) = await take(jobs)
        assert await jobs.renew(mine, lease_until=LATER + timedelta(seconds=30))
        assert [] == await take(jobs, LATER)

    run(dsn, test, job())


def test_a_job_is_put_off_and_put_aside_with_its_reason(dsn: str, owner_dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        (mine,) = await take(jobs)
        assert await jobs.again(mine, due_at=LATER, problem="ValueError")
        assert [] == await take(jobs)
        (mine,) = await take(jobs, LATER)
        assert await jobs.bury(mine, now=LATER, problem="KeyError")
        assert [] == await take(jobs, LATER + timedelta(days=1))
        (dead,) = await jobs.dead([TENANT], limit=5)
        assert ("crm:note", 2, LATER, "KeyError") == (
            dead.task,
            dead.attempts,
            dead.at,
            dead.problem,
        )
        assert await jobs.revive(dead, now=LATER)
        assert not await jobs.revive(dead, now=LATER)
        (mine,) = await take(jobs, LATER)
        assert 1 == mine.attempts

    run(dsn, test, job())


def test_another_tenants_work_is_neither_taken_nor_seen(dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        assert [] == await take(jobs, tenant="other")
        assert (0, None) == await jobs.overdue(["other"], now=NOW)
        assert (1, NOW) == await jobs.overdue(["other", TENANT], now=NOW)
        (mine,) = await take(jobs)
        assert await jobs.bury(mine, now=NOW, problem="x")
        assert [] == await jobs.dead(["other"], limit=5)

    run(dsn, test, job())


def test_two_workers_never_get_the_same_job(dsn: str, owner_dsn: str) -> None:
    async def test(jobs: PostgresJobs) -> None:
        taken = await asyncio.gather(*(take(jobs) for _ in range(8)))
        names = [each.task for some in taken for each in some]
        assert sorted(f"t{number}" for number in range(40)) == sorted(names)

    run(dsn, test, *(job(f"t{number}") for number in range(40)))
    assert [(40,)] == rows(owner_dsn, "SELECT count(*) FROM reception.job WHERE state = 'running'")


def test_what_is_due_is_found_by_its_index(dsn: str, owner_dsn: str) -> None:
    plan = rows(
        owner_dsn,
        "EXPLAIN SELECT 1 FROM reception.job WHERE state IN ('waiting', 'running')"
        " AND due_at <= now() ORDER BY due_at LIMIT 10 FOR UPDATE SKIP LOCKED",
    )
    assert "job_due" in str(plan)


def test_what_is_due_is_found_by_its_time_however_much_is_not(dsn: str, owner_dsn: str) -> None:
    many = (
        "INSERT INTO reception.job (tenant, episode, step_no, ordinal, task, args, due_at)"
        " SELECT 'hotel', n::text, 0, 0, 'note', '', now() + interval '1 day'"
        " FROM generate_series(1, 20000) n"
    )
    values = {"tenants": ["hotel"], "now": NOW, "lease_until": LATER, "limit": 10}
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        for statement in ("SELECT 1", many, "ANALYZE reception.job"):
            owner.execute(statement.encode())
            with psycopg.connect(dsn) as connection:
                connection.execute(database.SET_UP.encode())
                explained = connection.execute(f"EXPLAIN {due._TAKE}".encode(), values)
                plan = "\n".join(row[0] for row in explained)
            assert "using job_due" in plan, plan
            assert "Sort" not in plan, plan
