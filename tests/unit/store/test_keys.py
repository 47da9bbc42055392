"""Keys: two live, and whoever is faster is right for all."""

from __future__ import annotations

import asyncio

from reception.store.database import Database
from reception.store.keys import PostgresKeys
from tests.unit.store.records import NOW, TENANT


def test_the_first_key_is_made_once_and_stays(dsn: str) -> None:
    async def scenario() -> None:
        database = Database(dsn)
        keys = PostgresKeys(database)
        assert [] == await keys.load(TENANT)
        made = await asyncio.gather(
            *(keys.ensure(TENANT, secret=bytes([n]) * 32, now=NOW) for n in range(8))
        )
        assert 1 == len({each[0].secret for each in made})
        assert made[0] == await keys.load(TENANT)
        assert [] == await keys.load("other")
        await database.close()

    asyncio.run(scenario())


def test_two_keys_live_and_a_rotation_happens_once(dsn: str) -> None:
    async def scenario() -> None:
        database = Database(dsn)
        keys = PostgresKeys(database)
        await keys.ensure(TENANT, secret=b"one", now=NOW)
        rotated = await asyncio.gather(
            *(keys.rotate(TENANT, after=1, secret=b"two %d" % n, now=NOW) for n in range(6))
        )
        assert {2} == {each[0].generation for each in rotated}
        assert 1 == len({each[0].secret for each in rotated})
        assert [2, 1] == [each.generation for each in rotated[-1]]
        third = await keys.rotate(TENANT, after=2, secret=b"three", now=NOW)
        assert [3, 2] == [each.generation for each in third]
        assert third == await keys.rotate(TENANT, after=1, secret=b"late", now=NOW)
        await database.close()

    asyncio.run(scenario())


def test_a_key_does_not_show_its_secret(dsn: str) -> None:
    async def scenario() -> None:
        database = Database(dsn)
        (key,) = await PostgresKeys(database).ensure(TENANT, secret=b"SECRET", now=NOW)
        assert "SECRET" not in repr(key)
        await database.close()

    asyncio.run(scenario())
