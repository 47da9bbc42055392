"""
`reception serve`: the server of an operator.

Only options and the start are here; the supervisor does the rest. What is read from
`reception.toml` and what is wrong with it comes from a worker.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reception.bootstrap import logs
from reception.bootstrap.banner import banner
from reception.bootstrap.keeping import keep_database
from reception.bootstrap.supervisor import Supervisor


@click.command()
@click.option(
    "--config",
    default="reception.toml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
@click.option("--host", help="Listen on this address instead of the configured one.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen on this port; 0 is any free one."
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer.")
def serve(config: Path, host: str | None, port: int | None, workers: int | None) -> None:
    """
    Serve the tenants of reception.toml.

    SIGTERM or Ctrl-C stops in order (about 5 seconds), a second one at once; SIGHUP reads
    the configuration again. The exit status is 2 where the configuration is wrong, and 1
    where the server could not start or had to be cut short.
    """
    logs.configure()
    settings = {
        "config": str(config.absolute()),
        "host": host,
        "port": port,
        "workers": workers,
    }
    supervisor = Supervisor(
        settings,
        announce=lambda told, bound: click.echo(banner(told, bound)),
        say=lambda text: click.echo(text, err=True),
        keep_database=keep_database,
    )
    sys.exit(supervisor.run())
