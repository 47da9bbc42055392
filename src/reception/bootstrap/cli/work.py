"""
`reception work …`: what background work was given up, and trying it again.

Options and sentences only; the work itself is done by a process that `reception serve` keeps.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from reception.bootstrap.cli.db import Where, failures, owner_dsn, where_options
from reception.ports import DeadJob
from reception.store.database import Database
from reception.store.due import PostgresJobs

_MOST: Final = 10_000


@click.group()
def work() -> None:
    """Look after background work."""


def _tenant_option(command: click.decorators.FC) -> click.decorators.FC:
    return click.option(
        "--tenant", "tenants", multiple=True, help="Only of this tenant; may be repeated."
    )(command)


@work.command()
@where_options
@_tenant_option
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line.")
def failed(config: Path, data_dir: Path | None, tenants: tuple[str, ...], *, is_json: bool) -> None:
    """
    List work that was tried too often, or in vain, and waits for somebody.

    The exit status is 1 where there is some. The reason is the kind of the last error; what it
    said stands in the log of the process that did the work, if anywhere.
    """
    dead = _with_jobs(config, data_dir, tenants, _dead)
    for job in dead:
        if is_json:
            told = {
                "job": _name(job),
                "task": job.task,
                "attempts": job.attempts,
                "at": job.at.isoformat(),
                "problem": job.problem,
            }
            click.echo(json.dumps(told))
        else:
            click.echo(
                f"{_name(job)}  {job.task}  {job.problem or ''} after {job.attempts} attempts,"
                f" {job.at:%Y-%m-%d %H:%M:%S}"
            )
    if not dead and not is_json:
        click.echo("No work was given up.")
    sys.exit(1 if dead else 0)


@work.command()
@where_options
@_tenant_option
@click.argument("names", nargs=-1, metavar="JOB...")
@click.option("--all", "is_all", is_flag=True, help="All of it.")
def retry(
    config: Path,
    data_dir: Path | None,
    tenants: tuple[str, ...],
    names: tuple[str, ...],
    *,
    is_all: bool,
) -> None:
    """Have work that was given up tried again: JOBs as `reception work failed` names them."""
    if bool(names) == is_all:
        raise click.UsageError("Name the jobs, or give --all.")

    async def revive(jobs: PostgresJobs, of: Sequence[str]) -> list[DeadJob]:
        wanted = [job for job in await _dead(jobs, of) if is_all or _name(job) in names]
        now = datetime.now(UTC)
        return [job for job in wanted if await jobs.revive(job, now=now)]

    revived = _with_jobs(config, data_dir, tenants, revive)
    missing = set(names) - {_name(job) for job in revived}
    for name in sorted(missing):
        click.echo(f"{name} was not given up, or is not there.", err=True)
    click.echo(f"{len(revived)} will be tried again.")
    sys.exit(1 if missing else 0)


async def _dead(jobs: PostgresJobs, tenants: Sequence[str]) -> list[DeadJob]:
    return list(await jobs.dead(tenants, limit=_MOST))


def _with_jobs(
    config: Path,
    data_dir: Path | None,
    tenants: tuple[str, ...],
    do: Callable[[PostgresJobs, Sequence[str]], Awaitable[list[DeadJob]]],
) -> list[DeadJob]:
    where = Where(config, data_dir)

    async def with_database(dsn: str, of: Sequence[str]) -> list[DeadJob]:
        database = Database(dsn)
        try:
            return await do(PostgresJobs(database), of)
        finally:
            await database.close()

    with failures():
        of = tenants or tuple(tenant.app_id for tenant in where.read().tenants)
        with owner_dsn(where) as dsn:
            return asyncio.run(with_database(dsn, of))


def _name(job: DeadJob) -> str:
    return f"{job.tenant}/{job.episode}/{job.step_no}/{job.ordinal}"
