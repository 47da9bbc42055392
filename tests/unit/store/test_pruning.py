"""Forgetting: what is old and done, all of it, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from reception.errors import NeedsHuman, Retry
from reception.ports import NewReport
from reception.store import pruning
from reception.store.database import Database
from reception.store.leg_reports import PostgresReports
from reception.store.pruning import prune
from tests.unit.store.conftest import TABLES, rows, serving
from tests.unit.store.records import NOW, claim, job, opening, step

DAYS = timedelta(days=3)


def _fill(dsn: str, tenants: tuple[str, ...], episodes: int) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            for tenant in tenants:
                for n in range(episodes):
                    name = f"e{n}"
                    await steps.open(
                        opening(name, name, tenant=tenant), step(name, 0, tenant=tenant)
                    )
                    await steps.commit(step(name, 1, tenant=tenant, jobs=(job(),)))
                    await steps.claim(claim(name, 2, tenant=tenant))
                    await steps.add_alias(tenant, name, "renamed")
                    # The last one goes on.
                    if n < episodes - 1:
                        now = NOW + timedelta(hours=n)
                        assert await steps.end(tenant, name, cause="hangup", now=now)

    asyncio.run(scenario())


def _done(owner_dsn: str, which: str = "true") -> None:
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(f"UPDATE reception.job SET state = 'done' WHERE {which}".encode())


def _episodes(owner_dsn: str, table: str = "episode") -> list[tuple[str, str]]:
    return rows(owner_dsn, f"SELECT DISTINCT tenant, episode FROM reception.{table} ORDER BY 1, 2")


def test_what_is_old_enough_for_its_tenant_is_forgotten_in_batches(
    dsn: str, owner_dsn: str
) -> None:
    _fill(dsn, ("a", "b"), 6)
    _done(owner_dsn)
    told: list[tuple[str, int]] = []
    # Three of the five ended ones of `a` ended more than 3 days before this, and the last sign of
    # the one that has no end was then, too.
    now = NOW + DAYS + timedelta(hours=2, minutes=30)

    found = prune(
        dsn, {"a": DAYS, "b": 10 * DAYS}, now=now, batch=2, progress=lambda *each: told.append(each)
    )

    assert {"a": 4, "b": 0} == found
    assert [("a", 2), ("a", 3), ("a", 4)] == told
    left = [("a", f"e{n}") for n in (3, 4)] + [("b", f"e{n}") for n in range(6)]
    for table in set(TABLES.split(", ")) - {"tenant_key", "leg_report"}:
        assert left == _episodes(owner_dsn, table)


def test_who_still_has_work_to_do_is_kept(dsn: str, owner_dsn: str) -> None:
    _fill(dsn, ("a",), 3)
    assert {"a": 0} == prune(dsn, {"a": DAYS}, now=NOW + 9 * DAYS)
    _done(owner_dsn, "task = 'task'")
    assert {"a": 3} == prune(dsn, {"a": DAYS}, now=NOW + 9 * DAYS)
    assert [] == _episodes(owner_dsn)


def test_a_call_whose_end_nobody_told_is_forgotten_as_long_after_its_last_sign(
    dsn: str, owner_dsn: str
) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            for n in range(5):
                await steps.open(opening(f"old{n}", f"old{n}"), step(f"old{n}", 0))
            await steps.open(opening("nothing", "nothing"))
            await steps.open(opening("long", "long"), step("long", 0))
            later = NOW + DAYS + timedelta(minutes=1)
            await steps.commit(replace(step("long", 1), now=later))
            await steps.open(opening("busy", "busy"), step("busy", 0))
            lease_s = (DAYS + timedelta(minutes=1)).total_seconds()
            await steps.claim(claim("busy", 1, lease_s=lease_s))
            await steps.open(opening("young", "young", after_s=60), step("young", 0))

    asyncio.run(scenario())
    told: list[int] = []
    now = NOW + DAYS + timedelta(seconds=30)
    lost = prune(
        dsn, {"hotel": DAYS}, now=now, batch=2, progress=lambda _, count: told.append(count)
    )
    assert {"hotel": 6} == lost
    assert [2, 4, 6] == told
    assert ["busy", "long", "young"] == [episode for _, episode in _episodes(owner_dsn)]
    assert {"hotel": 3} == prune(dsn, {"hotel": DAYS}, now=NOW + 3 * DAYS)
    for table in set(TABLES.split(", ")) - {"tenant_key", "leg_report"}:
        assert [] == _episodes(owner_dsn, table)


def test_reports_are_forgotten_with_the_calls_unless_nobody_has_seen_to_them(
    dsn: str, owner_dsn: str
) -> None:
    async def scenario() -> None:
        database = Database(dsn)
        reports = PostgresReports(database)
        reports.start()
        for tenant, call_id, at in (
            ("a", "old", NOW),
            ("a", "young", NOW + DAYS),
            ("b", "old", NOW),
        ):
            await reports.keep(NewReport(tenant, call_id, "destroy", b"d", "", b"{}", at))
        for each in await reports.new(["a", "b"], limit=9):
            await reports.seen(each)
        await reports.keep(NewReport("a", "unseen", "destroy", b"d", "", b"{}", NOW))
        await reports.stop()
        await database.close()

    asyncio.run(scenario())
    prune(dsn, {"a": DAYS}, now=NOW + DAYS + timedelta(seconds=1))
    assert [("a", "unseen"), ("a", "young"), ("b", "old")] == rows(
        owner_dsn, "SELECT tenant, call_id FROM reception.leg_report ORDER BY tenant, call_id"
    )


@pytest.mark.parametrize("which", [pruning._ENDED, pruning._SILENT])
def test_a_batch_is_found_along_an_index_also_in_a_table_that_has_just_grown(
    dsn: str, owner_dsn: str, which: str
) -> None:
    """Sorting all that is old for each batch took 40 times as long."""
    values = {"tenant": "a", "before": NOW, "batch": 2, "after": "", "end_task": "end"}
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE reception.episode, reception.step")
        owner.execute(
            "INSERT INTO reception.episode (tenant, episode, account_id, call_id, digest, app,"
            " app_version, opened_at, ended_at) SELECT 'a', n::text, '', n::text, '', '', '', now(),"
            " CASE WHEN n % 2 = 0 THEN now() END FROM generate_series(1, 20000) n"
        )
    with psycopg.connect(dsn) as connection:
        connection.execute(pruning._PLANS)
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {which}".encode(), values))
    assert "Sort" not in plan
    assert "Seq Scan" not in plan


def test_an_end_that_meets_a_prune_leaves_nothing_behind(dsn: str, owner_dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            with psycopg.connect(owner_dsn) as forgetting:
                for table in ("step", "episode"):
                    forgetting.execute(f"DELETE FROM reception.{table}".encode())
                ending = asyncio.create_task(steps.end("hotel", "e", cause="hangup", now=NOW))
                await asyncio.sleep(0.1)
            with pytest.raises(Retry):
                await ending
            assert not await steps.end("hotel", "e", cause="hangup", now=NOW)

    asyncio.run(scenario())
    for table in ("step", "job"):
        assert [] == _episodes(owner_dsn, table)


def test_a_retention_below_the_life_of_a_url_is_refused(dsn: str) -> None:
    with pytest.raises(NeedsHuman) as caught:
        prune(dsn, {"a": timedelta(days=1)}, now=NOW)
    assert "store.retention" == caught.value.code


def test_a_forgotten_dialog_takes_no_further_step(dsn: str, owner_dsn: str) -> None:
    _fill(dsn, ("a",), 2)
    _done(owner_dsn)

    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.commit(replace(step("e1", 2, tenant="a"), now=NOW + 8 * DAYS))
            prune(dsn, {"a": DAYS}, now=NOW + 9 * DAYS)
            assert "refused" == (await steps.commit(step("e0", 2, tenant="a"))).fate
            assert "stored" == (await steps.commit(step("e1", 3, tenant="a"))).fate

    asyncio.run(scenario())
