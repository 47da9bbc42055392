"""
`reception dev`: one app, on this machine, reloaded on save.

Only options and the start are here; `supervisor` runs the process, `reload` watches files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reception.bootstrap import logs
from reception.bootstrap.banner import banner
from reception.bootstrap.keeping import keep_database
from reception.bootstrap.reload import Watch
from reception.bootstrap.store_config import DATA_DIR
from reception.bootstrap.supervisor import Supervisor


@click.command()
@click.argument("target", metavar="MODULE:APP")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Listen on this port of 127.0.0.1; 0 is any free one.",
)
@click.option(
    "--data-dir",
    default=DATA_DIR,
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the database is; made where it does not exist.",
)
def dev(target: str, port: int, data_dir: Path) -> None:
    """
    Serve MODULE:APP on this machine and reload it on save.

    The module is looked for in the current folder. Needs no secret; shows what the
    platform would reject or misunderstand.
    """
    logs.configure()
    supervisor = Supervisor(
        {"target": target, "port": port, "data_dir": str(data_dir.absolute())},
        announce=lambda told, bound: click.echo(banner(told, bound)),
        say=lambda text: click.echo(text, err=True),
        keep_database=keep_database,
        dev=True,
    )
    with Watch(Path.cwd(), supervisor.waker):
        status = supervisor.run()
    sys.exit(status)
