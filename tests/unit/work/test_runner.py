"""What is due is done: once in ordinary cases, again after a failure, aside when hopeless."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from reception.errors import Retry
from reception.ports import DueJob, NewJob
from reception.store.database import Database
from reception.store.due import PostgresJobs
from reception.work.runner import Hopeless, Run, Runner
from tests.unit.store.conftest import rows, serving
from tests.unit.store.records import TENANT, opening, step


class Clock:
    """The time of a test, which can be moved."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def work(
    dsn: str,
    do: Run,
    test: Callable[[Runner, Clock], Awaitable[None]],
    *tasks: str,
    lease_s: float = 30.0,
    most_attempts: int = 3,
) -> None:
    """Let a runner do tasks while a test looks on."""

    async def main() -> None:
        clock = Clock()
        jobs = tuple(NewJob(task, b"[[],{}]", clock() - timedelta(seconds=9)) for task in tasks)
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0, jobs=jobs))
        database = Database(dsn)
        runner = Runner(
            PostgresJobs(database),
            [TENANT],
            do,
            now=clock,
            chance=lambda: 0.5,
            lease=timedelta(seconds=lease_s),
            most_attempts=most_attempts,
        )
        serving_ = asyncio.create_task(runner.serve())
        try:
            await asyncio.wait_for(test(runner, clock), 20)
        finally:
            await runner.stop(within_s=1.0)
            await serving_
            await database.close()

    asyncio.run(main())


def states(dsn: str) -> list[tuple[str, str, int, str | None]]:
    return rows(dsn, "SELECT task, state, attempts, problem FROM reception.job ORDER BY task")


async def until(
    dsn: str, expected: Callable[[list[tuple[str, str, int, str | None]]], bool]
) -> None:
    # Nobody tells us of a change in the database.
    while not expected(states(dsn)):  # noqa: ASYNC110  it is asked from outside
        await asyncio.sleep(0.02)


def test_every_job_is_done_once(dsn: str, owner_dsn: str) -> None:
    done: list[str] = []

    async def do(job: DueJob) -> None:
        await asyncio.sleep(0.01)
        done.append(job.task)

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: all(state == "done" for _, state, _, _ in found))

    names = [f"t{number:02}" for number in range(40)]
    work(dsn, do, test, *names)
    assert names == sorted(done)


def test_a_job_that_fails_is_tried_again_and_put_aside_in_the_end(dsn: str, owner_dsn: str) -> None:
    tries = 0

    async def do(job: DueJob) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("what a guest said")

    async def test(runner: Runner, clock: Clock) -> None:
        for attempt in (1, 2):
            await until(owner_dsn, lambda found, n=attempt: found[0][1:3] == ("waiting", n))  # type: ignore[misc]  # a default binds it
            assert attempt == tries
            clock.ahead += timedelta(seconds=10)
        await until(owner_dsn, lambda found: found[0][1] == "dead")

    work(dsn, do, test, "t")
    # The kind of the error, and never its words.
    assert [("t", "dead", 3, "ValueError")] == states(owner_dsn)


def test_what_is_hopeless_is_not_tried_again(dsn: str, owner_dsn: str) -> None:
    async def do(job: DueJob) -> None:
        raise Hopeless

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: found[0][1] == "dead")

    work(dsn, do, test, "t")
    assert [("t", "dead", 1, "Hopeless")] == states(owner_dsn)


def test_an_outage_costs_no_attempt_its_hope(dsn: str, owner_dsn: str) -> None:
    seen: list[int] = []

    async def do(job: DueJob) -> None:
        seen.append(job.attempts)
        if len(seen) < 6:
            raise Retry("store.away", "away")

    async def test(runner: Runner, clock: Clock) -> None:
        while states(owner_dsn)[0][1] != "done":
            clock.ahead += timedelta(seconds=5)
            await asyncio.sleep(0.05)

    work(dsn, do, test, "t", most_attempts=2)
    assert 6 == len(seen)


def test_a_long_job_is_renewed_and_not_taken_by_another(dsn: str, owner_dsn: str) -> None:
    begun = 0

    async def do(job: DueJob) -> None:
        nonlocal begun
        begun += 1
        await asyncio.sleep(1.5)

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: found[0][1] == "done")

    work(dsn, do, test, "t", lease_s=0.6)
    assert 1 == begun


def test_a_job_that_hangs_holds_no_other_up(dsn: str, owner_dsn: str) -> None:
    async def do(job: DueJob) -> None:
        if job.task == "hangs":
            await asyncio.sleep(60)

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: ("other", "done") in [each[:2] for each in found])

    work(dsn, do, test, "hangs", "other")
    # Stopped in the middle: the next one takes it when the lease ends.
    assert ("hangs", "running") in [each[:2] for each in states(owner_dsn)]


def test_a_stop_lets_what_runs_come_to_an_end(dsn: str, owner_dsn: str) -> None:
    async def do(job: DueJob) -> None:
        await asyncio.sleep(0.4)

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: found[0][1] == "running")

    work(dsn, do, test, "t")
    assert "done" == states(owner_dsn)[0][1]
