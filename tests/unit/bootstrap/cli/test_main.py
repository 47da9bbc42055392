"""The command line as a whole: what it lists, and what it imports for that."""

from __future__ import annotations

import sys

from click.testing import CliRunner

import reception
from reception.bootstrap.cli import main

COMMANDS = ["serve", "dev", "phone", "simulate", "load", "check", "export", "replay", "graph"]
COMMANDS += ["parse", "rate", "deck", "work", "db"]


def test_help_lists_every_command_without_importing_one() -> None:
    before = set(sys.modules)
    result = CliRunner().invoke(main, ["--help"])
    assert 0 == result.exit_code
    listed = result.output.partition("Commands:")[2]
    assert COMMANDS == [line.split()[0] for line in listed.splitlines() if line.strip()]
    new = set(sys.modules) - before
    assert not [name for name in new if name.startswith("reception.bootstrap.cli.")]


def test_every_command_can_be_called() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert (0, "Usage: ") == (result.exit_code, result.output[:7]), name


def test_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert reception.__version__ in result.output


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["sevre"])
    assert 2 == result.exit_code
