"""
`reception load`: many calls at a rate, and what came of them.

The command reads options and scripts, shows how far it is, and prints, as a table, JSON or a
page. Placing calls and counting is the simulator's.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from reception.bootstrap.cli.caller import caller_options, setup_of
from reception.bootstrap.cli.load_page import page
from reception.bootstrap.problems import reason_of
from reception.bootstrap.worker import loop_factory
from reception.callflow.client_url import client_url_fault
from reception.errors import NeedsHuman, ReceptionError
from reception.simulator.call import Platform
from reception.simulator.load.generating import MOST_AT_ONCE, Plan, generate
from reception.simulator.load.tally import Tally
from reception.simulator.phone import Dialled
from reception.simulator.quirks import QUIRKS
from reception.simulator.script import Script, parse_script
from reception.simulator.transcript import without_secrets

_USAGE: Final = 2
_FAILED: Final = 1
_LARGEST_SCRIPT: Final = 1024 * 1024


@click.command()
@click.argument("url")
@caller_options
@click.option(
    "--rate",
    type=click.FloatRange(0.01, 100_000),
    default=10.0,
    show_default=True,
    help="Calls a second.",
)
@click.option(
    "--duration",
    type=click.FloatRange(0.1, 86_400),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
)
@click.option(
    "--script",
    "scripts",
    multiple=True,
    metavar="FILE[=WEIGHT]",
    help="What callers do; several are mixed by their weights.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 100_000),
    default=MOST_AT_ONCE,
    show_default=True,
    help="Calls under way at most; more count as lost.",
)
@click.option("--platform", type=click.Choice(["4", "5"]), default="4", show_default=True)
@click.option("--real-time", is_flag=True, help="Let ringing and prompts take their time.")
@click.option("--seed", type=int, default=None, help="The same callers in the same order again.")
@click.option("--json", "json_file", metavar="FILE", help="Write JSON; - writes it to stdout.")
@click.option("--html", "html_file", metavar="FILE", help="Write a page with charts.")
def load(
    url: str,
    rate: float,
    duration: float,
    scripts: tuple[str, ...],
    at_once: int,
    platform: str,
    real_time: bool,
    seed: int | None,
    json_file: str | None,
    html_file: str | None,
    **caller: Any,
) -> None:
    """
    Place calls to the voice URL at a rate, whatever the server does, and measure.

    Each is a whole call: its callflow is walked, keys are pressed as scripts say, and it comes
    back with its next request. A latency counts from when its request was due, so that a
    server that stalls cannot hide it. The exit status is 1 where a request got no 200 or the
    platform would have lost a call, 2 for wrong usage.
    """
    if seed is None:
        seed = random.randrange(1_000_000)  # noqa: S311  it is shown, and no secret
    version: Platform = 4 if platform == "4" else 5
    tally = Tally()
    try:
        if fault := client_url_fault(url, anywhere=True):
            raise NeedsHuman("load.url", f"{without_secrets(url)}: {fault}")
        plan = Plan(
            Dialled(url),
            setup_of(**caller),
            QUIRKS[version].but(retry_after_posts=1),
            rate,
            duration,
            [_weighted(each) for each in scripts] or [(parse_script(""), 1.0)],
            at_once,
            real_time,
        )
        click.echo(f"{rate:g} calls a second for {duration:g} s, seed {seed}", err=True)
        with click.progressbar(length=round(duration * 1000), file=sys.stderr) as bar:
            _run(plan, tally, seed, lambda done_s: _advance(bar, done_s))
    except ReceptionError as error:
        click.echo(f"reception load: {error.message}", err=True)
        sys.exit(_USAGE)
    except KeyboardInterrupt:
        click.echo("Stopped early.", err=True)
    told = {
        "target": without_secrets(url),
        "rate": rate,
        "duration_s": duration,
        "seed": seed,
        **tally.summary(),
    }
    if json_file != "-":
        _show(told)
    _write(json_file, json.dumps(told, indent=1) + "\n")
    _write(html_file, page(told))
    sys.exit(_FAILED if tally.failed or tally.dropped else 0)


def _run(plan: Plan, tally: Tally, seed: int, progress: Callable[[float], None]) -> None:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(generate(plan, tally, seed=seed, progress=progress))


def _advance(bar: Any, done_s: float) -> None:
    bar.update(round(done_s * 1000) - bar.pos)


def _weighted(given: str) -> tuple[Script, float]:
    name, sign, weight = given.rpartition("=")
    if not sign:
        name, weight = given, "1"
    try:
        number = float(weight)
    except ValueError:
        # The name itself holds the sign.
        name, number = given, 1.0
    if not 0 < number < float("inf"):
        raise NeedsHuman("load.weight", f"{given}: a weight is a number above 0")
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_LARGEST_SCRIPT + 1)
    except (OSError, ValueError) as error:
        raise NeedsHuman("load.script", f"cannot read {name}: {reason_of(error)}") from None
    if len(raw) > _LARGEST_SCRIPT:
        raise NeedsHuman("load.script", f"{name} is larger than a megabyte")
    try:
        return parse_script(raw.decode("utf-8")), number
    except UnicodeDecodeError:
        raise NeedsHuman("load.script", f"{name} is not UTF-8") from None


def _show(told: dict[str, Any]) -> None:
    click.echo(
        f"{told['calls']} calls, {told['lost']} lost; {told['pivots']} requests,"
        f" {told['failed']} without a 200"
    )
    click.echo("  ".join(f"{name} {value:.1f} ms" for name, value in told["latency_ms"].items()))
    for why, count in told["errors"].items():
        click.echo(f"{count:8d}  {why}")


def _write(name: str | None, text: str) -> None:
    if name is None:
        return
    if name == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(name).write_text(text, "utf-8")
    except (OSError, ValueError) as error:
        click.echo(f"reception load: cannot write {name}: {error}", err=True)
        sys.exit(_USAGE)
