"""Episodes of late: those of one tenant, in order, and nobody else's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from reception.errors import AppError, Retry
from reception.store.database import Database
from reception.store.recent import since
from reception.store.steps import PostgresSteps
from tests.unit.store.records import NOW, TENANT, opening, step


def test_a_tenant_finds_its_own_episodes_since_then_in_order(dsn: str) -> None:
    async def open_some() -> None:
        database = Database(dsn)
        steps = PostgresSteps(database)
        steps.start()
        for number, after_s in enumerate((60.0, 0.0, 120.0)):
            made = opening(f"episode-{number}", f"call-{number}", after_s=after_s)
            await steps.open(made, step(f"episode-{number}", 0))
        other = opening("other", "call-9", tenant="inn", after_s=60)
        await steps.open(other, step("other", 0, tenant="inn"))
        await steps.stop()
        await database.close()

    asyncio.run(open_some())
    assert ["episode-1", "episode-0", "episode-2"] == since(dsn, TENANT, NOW)
    assert ["episode-2"] == since(dsn, TENANT, NOW + timedelta(seconds=61))
    assert ["other"] == since(dsn, "inn", NOW)
    assert [] == since(dsn, "nobody", NOW)


def test_two_tenants_cannot_be_named_at_once(dsn: str) -> None:
    with pytest.raises(AppError):
        since(dsn, f"{TENANT},inn", NOW)


def test_a_database_that_is_away_says_so() -> None:
    with pytest.raises(Retry):
        since("postgresql://reception_app@127.0.0.1:1/reception", TENANT, NOW)
