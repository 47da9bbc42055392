"""
`reception check`: say what is wrong with callflows in files, and with applications.

Reads the files, asks `callflow.validate` (or, for an application, `sources`), and hands the
findings to the presenter; no rule and no wording of a finding is made here. Whatever a path leads to (a folder, nothing, a
file without permission or without end), the command says so in one line, goes on with the
next file and ends with status 2; a traceback is never its answer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, Literal

import click

from reception.bootstrap.cli.findings import Checked, as_json, for_people, summary
from reception.bootstrap.cli.sources import (
    Source,
    check_app,
    check_file,
    counted,
    source_as_json,
    source_for_people,
)
from reception.bootstrap.problems import reason_of
from reception.bootstrap.target import TargetError, load_app
from reception.callflow import validate
from reception.callflow.reading import Reading, read
from reception.errors import AppError

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""Far beyond any reply (the platform was seen to take 1 MB); a bound for devices and mistakes."""

_SOME_INVALID: Final = 1
_NOT_READ: Final = 2


class _Unreadable(Exception):
    """A file that cannot be checked; the text says why."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE | MODULE:APP | - ...")
@click.option(
    "--platform",
    type=click.Choice(["4", "5"]),
    default="5",
    show_default=True,
    help="The platform's version whose rules count.",
)
@click.option("--json", "is_json", is_flag=True, help="One JSON object per file and line.")
def check(files: tuple[str, ...], platform: str, is_json: bool) -> None:
    """
    Check callflows and applications: what fails, and what works but you did not mean.

    A FILE holds one callflow as JSON, or, where its name ends in .py, the source of dialogs;
    - reads standard input. Of MODULE:APP all source files are checked, and its prompts. The exit
    status is 0 where everything is valid (warnings are allowed), 1 where something is not, and
    2 where something could not be read.
    """
    version: Literal[4, 5] = 4 if platform == "4" else 5
    reports: list[Checked] = []
    sources: list[Source] = []
    status = 0
    # None leaves it to click: colours on a terminal, none in a file or a pipe.
    color = False if os.environ.get("NO_COLOR") else None
    for name in files:
        try:
            if name.endswith(".py") or _is_target(name):
                made = _check_code(name)
                sources += made
                status = max(status, *(_SOME_INVALID if each.errors else 0 for each in made), 0)
                for source in made:
                    told = source_as_json(source) if is_json else source_for_people(source)
                    click.echo(told, color=color)
                continue
            checked = _check(name, version)
        except _Unreadable as error:
            click.echo(f"reception check: {error}", err=True)
            status = _NOT_READ
            continue
        reports.append(checked)
        if not checked.findings.valid:
            status = max(status, _SOME_INVALID)
        click.echo(as_json(checked) if is_json else for_people(checked), color=color)
    if not is_json and reports and not sources:
        click.echo(summary(reports, unread=len(files) - len(reports)))
    elif not is_json and sources:
        errors, warnings = counted(sources)
        errors += sum(len(report.findings.errors) for report in reports)
        warnings += sum(len(report.findings.warnings) for report in reports)
        files_read = len(sources) + len(reports)
        told = f"{files_read} file{'' if files_read == 1 else 's'}"
        click.echo(f"{told}; errors: {errors}, warnings: {warnings}")
    sys.exit(status)


def _is_target(name: str) -> bool:
    """Is it ``module:attribute``, and no file that happens to have a colon in its name?"""
    module, colon, attribute = name.partition(":")
    dotted = (*module.split("."), *attribute.split("."))
    return bool(colon) and all(each.isidentifier() for each in dotted) and not Path(name).exists()


def _check_code(name: str) -> list[Source]:
    if not name.endswith(".py"):
        try:
            return check_app(load_app(name, Path.cwd()))
        except TargetError as error:
            raise _Unreadable(f"{name}: {error.message}") from error
    try:
        return [check_file(name, _read(name).decode())]
    except (AppError, UnicodeDecodeError) as error:
        raise _Unreadable(f"{click.format_filename(name)} is no Python: {error}") from error


def _check(name: str, platform: Literal[4, 5]) -> Checked:
    body = _read(name)
    reading = read(body)
    # What is no JSON is shown as the text it is.
    shown = reading.root if isinstance(reading, Reading) else body.decode("utf-8", "replace")
    return Checked(name, shown, validate(body, platform=platform))


def _read(name: str) -> bytes:
    """Read a file, or standard input for ``-``; at most `MAX_FILE_BYTES`."""
    shown = click.format_filename(name)
    try:
        if name == "-":
            if sys.stdin is None:  # started with standard input closed
                raise _Unreadable("standard input is closed")
            body = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                body = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that holds a NUL
        raise _Unreadable(f"cannot read {shown}: {reason_of(error)}") from error
    if len(body) > MAX_FILE_BYTES:
        raise _Unreadable(f"{shown} is larger than {MAX_FILE_BYTES // 1024**2} MiB: not checked")
    return body
