"""What is due is done: once in ordinary cases, again after a failure, aside when hopeless."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

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


def test_a_failure_after_an_outage_is_the_first(dsn: str, owner_dsn: str) -> None:
    tries = 0

    async def do(job: DueJob) -> None:
        nonlocal tries
        tries += 1
        raise Retry("work.leg_up", "still up") if tries < 5 else ValueError

    async def test(runner: Runner, clock: Clock) -> None:
        while states(owner_dsn)[0][3] != "ValueError":
            clock.ahead += timedelta(seconds=5)
            await asyncio.sleep(0.05)

    work(dsn, do, test, "t", most_attempts=2)
    assert [("t", "waiting", 1, "ValueError")] == states(owner_dsn)


def test_what_must_wait_says_for_how_long(dsn: str, owner_dsn: str) -> None:
    async def do(job: DueJob) -> None:
        raise Retry("work.leg_up", "still up", after_s=60.0)

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: found[0][1] == "waiting")

    work(dsn, do, test, "t")
    ((pause,),) = rows(
        owner_dsn, "SELECT extract(epoch FROM due_at - now())::float FROM reception.job"
    )
    assert 50 < pause <= 60


def test_what_takes_its_process_along_is_put_aside_unrun(dsn: str, owner_dsn: str) -> None:
    tries = 0

    async def do(job: DueJob) -> None:
        nonlocal tries
        tries += 1
        raise Retry("store.away", "away")

    async def test(runner: Runner, clock: Clock) -> None:
        await until(owner_dsn, lambda found: found[0][1] == "waiting" and tries == 1)
        # As three processes leave it that have died of it.
        rows(owner_dsn, "UPDATE reception.job SET attempts = 3 RETURNING task")
        clock.ahead += timedelta(seconds=10)
        await until(owner_dsn, lambda found: found[0][1] == "dead")

    work(dsn, do, test, "t", most_attempts=3)
    assert (1, "Died") == (tries, states(owner_dsn)[0][3])


class Backlog(PostgresJobs):
    """More jobs than can be done, the first tenant's before those of the others."""

    def __init__(self) -> None:
        self.broken = 1

    async def take(
        self, tenants: Sequence[str], *, now: datetime, lease_until: datetime, limit: int
    ) -> Sequence[DueJob]:
        if self.broken:
            self.broken -= 1
            raise LookupError
        return [DueJob(tenants[0], "e", 0, at, "t", b"", 1) for at in range(limit)]


def test_one_tenants_jobs_leave_room_for_anothers_and_a_broken_store_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reception.work.runner._BROKEN_S", 0.01)
    begun: list[str] = []

    async def do(job: DueJob) -> None:
        begun.append(job.tenant)
        await asyncio.sleep(60)

    async def main() -> None:
        now, tenants = lambda: datetime.now(UTC), ["a", "b", "c"]
        runner = Runner(Backlog(), tenants, do, now=now, chance=lambda: 0.5, at_once=8)
        serving_ = asyncio.create_task(runner.serve())
        async with asyncio.timeout(5):
            while len(begun) < 8:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.01)
        await runner.stop(within_s=0.0)
        await serving_

    asyncio.run(main())
    assert ["a"] * 4 + ["b"] * 4 == begun


class Mistaken(Backlog):
    """A store that takes no word of what became of a job."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = 0

    async def renew(self, job: DueJob, *, lease_until: datetime) -> bool:
        raise LookupError("what a guest said")

    async def done(self, job: DueJob, *, now: datetime) -> bool:
        raise LookupError("what a guest said")


def test_a_mistake_of_the_stores_is_told_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran = 0
    unheard: list[object] = []

    async def do(job: DueJob) -> None:
        nonlocal ran
        await asyncio.sleep(0.05)
        ran += 1

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: unheard.append(about))
        runner = Runner(
            Mistaken(),
            ["a"],
            do,
            now=lambda: datetime.now(UTC),
            chance=lambda: 0.5,
            lease=timedelta(seconds=0.03),
            at_once=2,
        )
        serving_ = asyncio.create_task(runner.serve())
        async with asyncio.timeout(5):
            while ran < 4:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.01)
        await runner.stop(within_s=1.0)
        await serving_
        gc.collect()

    asyncio.run(main())
    said = capsys.readouterr().out
    assert ([], True, False) == (unheard, "work.not_noted" in said, "guest" in said)


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
