"""
`reception simulate`: be the platform, for one recorded call or for a whole account.

A scenario is served by `scenario`. For a recorded call this reads the file, has the simulator run it, prints what happened in the file's own shape, and
says where that parts from the recording. What is compared and how is the simulator's
(`simulator.recordings`); here are only the words and the exit code.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from reception.bootstrap.cli.scenario import scenario_in, serve
from reception.bootstrap.problems import reason_of
from reception.errors import NeedsHuman
from reception.simulator.recordings.comparing import JITTER_MS, Difference, first_difference
from reception.simulator.recordings.recording import Recording, read_recording
from reception.simulator.recordings.replaying import Replay
from reception.simulator.recordings.summing import summary

_DIFFERS: Final = 1
_UNREADABLE: Final = 2
_LONGEST_ROW: Final = 400
_OURS: Final = ("summary", "result")


@click.command()
@click.option(
    "--trace",
    "name",
    metavar="FILE | -",
    help="A recorded call: its flow, the app's replies, and what the caller and phones do.",
)
@click.option(
    "--scenario",
    metavar="FILE",
    help="An account, its numbers and people (TOML): serve it as the platform until Ctrl-C.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8001,
    show_default=True,
    help="Of this machine, for a scenario.",
)
@click.option(
    "--jitter",
    "jitter_ms",
    type=click.IntRange(0, 60_000),
    default=JITTER_MS,
    show_default=True,
    metavar="MS",
    help="How far times may be apart.",
)
def simulate(name: str | None, scenario: str | None, port: int, jitter_ms: int) -> None:
    """
    Be the platform: run a recorded call, or serve a whole account.

    With --scenario the platform's REST API is served on this machine, and calls are placed by
    POST /control/calls. With --trace the recorded call is run, and what the simulated platform
    does is printed as such a file.

    The exit status is 0 where that is what was recorded, or where the file holds no result to
    compare with; 1 where it differs, with the first difference on standard error; and 2 where
    the file cannot be read.
    """
    if (name is None) == (scenario is None):
        raise click.UsageError("Give --trace or --scenario.")
    try:
        if scenario is not None:
            asyncio.run(serve(scenario_in(scenario), port=port))
            return
        assert name is not None  # one of the two is given
        recording = read_recording(_read(name))
    except NeedsHuman as error:
        click.echo(f"reception simulate: {error.message}", err=True)
        sys.exit(_UNREADABLE)
    replay = Replay(recording)
    asyncio.run(replay.run())
    click.echo(_shown(recording, replay).encode())  # UTF-8 whatever the terminal's language
    if "result" not in recording.given:
        return
    difference = first_difference(recording.result, replay.rows, jitter_ms=jitter_ms)
    if difference is not None:
        click.echo(_told(difference), err=True)
        sys.exit(_DIFFERS)


def _shown(recording: Recording, replay: Replay) -> str:
    """Write the file anew, with our own summary and result."""
    given = {key: value for key, value in recording.given.items() if key not in _OURS}
    whole = {**given, "summary": summary(replay.rows), "result": replay.rows}
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _told(difference: Difference) -> str:
    return (
        f"The first difference, at {difference.at_ms} ms, is in {difference.stream},"
        f" number {difference.number}: {difference.why}.\n"
        f"  recorded:  {_row(difference.expected)}\n"
        f"  simulated: {_row(difference.found)}"
    )


def _row(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "(nothing)"
    text = json.dumps(row, ensure_ascii=False)
    return text if len(text) <= _LONGEST_ROW else text[:_LONGEST_ROW] + "..."


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that holds a NUL
        shown = click.format_filename(name)
        raise NeedsHuman("simulate.trace", f"cannot read {shown}: {reason_of(error)}") from error
