"""`reception work`: what was given up is listed, and tried again on request."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli.work import work
from reception.ports import NewJob
from reception.store.database import Database
from reception.store.due import PostgresJobs
from tests.unit.bootstrap.cli.test_recordings import address_of
from tests.unit.store.conftest import serving
from tests.unit.store.records import TENANT, opening, step


@pytest.fixture
def config(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose database has given one job up."""

    async def give_up() -> None:
        now = datetime.now(UTC)
        async with serving(dsn) as steps:
            jobs = (NewJob("crm:note", b"[[],{}]", now),)
            await steps.open(opening("e"), step("e", 0, jobs=jobs))
        database = Database(dsn)
        store = PostgresJobs(database)
        (job,) = await store.take([TENANT], now=now, lease_until=now, limit=1)
        await store.bury(job, now=now, problem="KeyError")
        await database.close()

    asyncio.run(give_up())
    path = tmp_path / "reception.toml"
    monkeypatch.setenv("TEST_DATABASE", address_of(dsn))
    path.write_text(
        f'[store]\nembedded = false\ndatabase_url = "$TEST_DATABASE"\n[tenants.{TENANT}]\n'
    )
    return path


def run(config: Path, *arguments: str) -> Result:
    command, *rest = arguments
    result = CliRunner().invoke(work, [command, "--config", str(config), *rest])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_work_that_was_given_up_is_listed_and_tried_again(config: Path) -> None:
    listed = run(config, "failed", "--json")
    assert 1 == listed.exit_code, listed.output
    told = json.loads(listed.output)
    assert (f"{TENANT}/e/0/0", "crm:note", 1, "KeyError") == (
        told["job"],
        told["task"],
        told["attempts"],
        told["problem"],
    )
    assert "crm:note  KeyError after 1 attempts" in run(config, "failed").output
    assert (0, "1 will be tried again.\n") == (
        (again := run(config, "retry", told["job"])).exit_code,
        again.output,
    )
    assert (0, "No work was given up.\n") == (
        (none := run(config, "failed")).exit_code,
        none.output,
    )
    missing = run(config, "retry", told["job"])
    assert (1, True) == (missing.exit_code, "was not given up" in missing.output)


def test_all_of_it_is_tried_again_on_request_and_nothing_by_mistake(config: Path) -> None:
    assert 2 == run(config, "retry").exit_code
    assert 2 == run(config, "retry", "--all", "x").exit_code
    assert 0 == run(config, "failed", "--tenant", "other").exit_code
    assert "1 will be tried again." in run(config, "retry", "--all").output
