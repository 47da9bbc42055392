"""
The command line: one file per command, imported when that command is called.

`reception --help` imports none of them, so the sentence that it shows for a command stands
here; everything else about a command stands in its own file. Exit codes of all of them: 0
well, 1 not, 2 wrong usage or a file that cannot be read.
"""

from __future__ import annotations

import importlib
from typing import Final

import click

import reception

_COMMANDS: Final = {
    "serve": "Serve the tenants of reception.toml.",
    "dev": "Serve one app on this machine and reload it on save.",
    "phone": "Call a Reception from the terminal.",
    "simulate": "Be the platform: serve an account, or run a recorded call.",
    "load": "Place many calls at a rate, and measure.",
    "check": "Check callflows in files, and applications.",
    "export": "Write recorded calls to a file, without their guests.",
    "replay": "Run recorded calls against today's code.",
    "graph": "Draw what callers can reach in an application.",
    "parse": "Show how a recorded request is read.",
    "rate": "Say what a call costs, and why.",
    "deck": "Check a deck of prices.",
    "work": "Look after background work.",
    "db": "Look after the database.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order in which a newcomer needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `cli.<name>` and give its command of the same name."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list for `--help` without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(reception.__version__, prog_name="reception")
def main() -> None:
    """Reception: the voice application server for QVOICE Platform Pivot."""
