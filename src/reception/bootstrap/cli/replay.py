"""
`reception replay`: recorded calls against today's code, for CI and before a deploy.

Options and sentences only; what differs is found by `rehearsal.comparing`. No effect of the
application runs, and nothing of a recording but its ids is printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from reception.bootstrap.cli.db import Where, owner_dsn, where_options
from reception.bootstrap.cli.export import fetched, whose
from reception.bootstrap.determinism import watched
from reception.bootstrap.problems import ConfigError
from reception.bootstrap.recordings import from_file
from reception.bootstrap.target import load_app
from reception.errors import NeedsHuman, Retry
from reception.rehearsal.comparing import Difference, Verdict, compared
from reception.rehearsal.recording import RecordedCall

_SOME_DIFFER: Final = 1
_NOT_READ: Final = 2


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FILE | CALL-ID ... MODULE:APP")
@click.option("--tenant", metavar="APPID", help="Whose calls a CALL-ID names.")
@where_options
@click.option("--json", "is_json", is_flag=True, help="One JSON object per call and line.")
def replay(
    names: tuple[str, ...], tenant: str | None, config: Path, data_dir: Path | None, is_json: bool
) -> None:
    """
    Run recorded calls against the code of MODULE:APP, without any effect.

    A FILE was written by `reception export`; a CALL-ID (or an episode) is looked up in the
    database. For each call the first step that differs is shown: what was recorded, what
    today's code does, and on which line. The exit status is 0 where all calls agree, 1 where
    some differ, and 2 where something could not be read or there was nothing to run.
    """
    *sources, target = names
    if ":" not in target or not sources:
        raise click.UsageError("Name the recordings, then the application: FILE MODULE:APP.")
    try:
        app = load_app(target, Path.cwd())
        calls = list(_calls(sources, Where(config, data_dir), tenant, target))
    except (NeedsHuman, Retry) as error:
        click.echo(f"reception replay: {error.message}", err=True)
        sys.exit(_SOME_DIFFER if isinstance(error, Retry) else _NOT_READ)
    if not calls:
        click.echo("reception replay: there is no call in it: nothing was tried", err=True)
        sys.exit(_NOT_READ)
    verdicts = []
    for call in calls:
        verdict = compared(app, call, sandbox=watched)
        verdicts.append(verdict)
        click.echo(json.dumps(_as_json(verdict)) if is_json else _for_people(verdict))
    differ = sum(verdict.fate == "differs" for verdict in verdicts)
    if not is_json:
        count = f"{len(verdicts)} call{'' if len(verdicts) == 1 else 's'}"
        click.echo(f"{count}: {len(verdicts) - differ} agree, {differ} differ")
    sys.exit(_SOME_DIFFER if differ else 0)


def _calls(
    sources: list[str], where: Where, tenant: str | None, target: str
) -> Iterator[RecordedCall]:
    names = []
    for source in sources:
        if source.endswith(".json") or Path(source).is_file():
            yield from from_file(Path(source))
        else:
            names.append(source)
    if not names:
        return
    try:
        if tenant is None:
            # From a configuration where there is one; else the app has the name of its tenant.
            named = target if where.data_dir is not None else None
            tenant, _ = whose(where, None, named, needs_app=False)
        with owner_dsn(where) as address:
            yield from fetched(address, tenant, names)
    except ConfigError as error:
        raise NeedsHuman("replay.config", error.message) from None


def _for_people(verdict: Verdict) -> str:
    name = verdict.call_id or verdict.episode
    steps = f"{verdict.steps} step{'' if verdict.steps == 1 else 's'}"
    found = verdict.difference
    if found is None:
        fate = "agrees" if verdict.fate == "agrees" else "agrees up to an intended change"
        since = f", from step {verdict.since} on, where it was begun anew" if verdict.since else ""
        return f"{name}: {fate} ({steps}{since})"
    at = f"step {found.step_no}" + (f", operation {found.op}" if found.op else "")
    lines = [f"{name}: {click.style('differs', fg='red')} at {at}"]
    lines.append(f"  recorded  {found.recorded}")
    lines.append(f"  now       {found.actual}" + (f"  ({found.line})" if found.line else ""))
    if found.reply_differs is not None:
        lines.append(f"  reply     {'differs' if found.reply_differs else 'the same bytes'}")
    return "\n".join(lines)


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "call": verdict.call_id,
        "episode": verdict.episode,
        "fate": verdict.fate,
        "steps": verdict.steps,
        "since": verdict.since,
        "difference": _difference(verdict.difference),
    }


def _difference(found: Difference | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "step": found.step_no,
        "operation": found.op,
        "recorded": found.recorded,
        "actual": found.actual,
        "line": found.line,
        "reply_differs": found.reply_differs,
    }
