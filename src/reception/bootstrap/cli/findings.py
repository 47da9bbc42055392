"""
Put the findings of `reception check` into words for people, and into JSON for programs.

The JSON form is an interface: exactly the keys ``file``, ``valid``, ``errors`` and
``warnings``, in this order, one line per file. The form for people may change at any time.

What is printed came from a file that nobody has vouched for: control characters never reach
the terminal as such.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from reception.callflow import Findings, Rejection, Warning_
from reception.callflow.excerpt import excerpt, value_at
from reception.callflow.rules import RULES

_EXCERPT_CHARACTERS: Final = 72
_NAMES: Final = {rule.code: rule.name for rule in RULES}


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, the flow in it as far as it could be decoded, and what was found."""

    name: str
    root: Any
    findings: Findings


def as_json(checked: Checked) -> str:
    """Write one line of JSON about a file."""
    findings = checked.findings
    return json.dumps(
        {
            "file": checked.name,
            "valid": findings.valid,
            "errors": [
                {"path": error.path, "rule": error.rule, "message": error.message}
                for error in findings.errors
            ],
            "warnings": [
                {"path": warning.path, "code": warning.code, "message": warning.message}
                for warning in findings.warnings
            ],
        }
    )


def for_people(checked: Checked) -> str:
    """Write what was found in a file, one paragraph per finding."""
    findings = checked.findings
    name = click.style(_printable(click.format_filename(checked.name)), bold=True)
    if findings.valid:
        verdict = click.style("valid", fg="green")
    else:
        verdict = click.style("invalid", fg="red", bold=True)
    lines = [f"{name}: {verdict}{_counts(findings.errors, findings.warnings)}"]
    for error in findings.errors:
        lines += _paragraph(checked.root, click.style("error", fg="red"), error)
    for warning in findings.warnings:
        lines += _paragraph(checked.root, click.style("warning", fg="yellow"), warning)
    return "\n".join(lines)


def summary(reports: Sequence[Checked], *, unread: int) -> str:
    """Write the last line: how many files, how many findings."""
    valid = sum(report.findings.valid for report in reports)
    errors = sum(len(report.findings.errors) for report in reports)
    warnings = sum(len(report.findings.warnings) for report in reports)
    parts = [f"{valid} valid", f"{len(reports) - valid} invalid"]
    if unread:
        parts.append(f"{unread} not read")
    return (
        f"{_plural(len(reports) + unread, 'file')}: {', '.join(parts)}; "
        f"{_plural(errors, 'error')}, {_plural(warnings, 'warning')}"
    )


def _paragraph(root: object, kind: str, finding: Rejection | Warning_) -> Iterator[str]:
    if isinstance(finding, Warning_):
        label = f"{finding.code} {_NAMES.get(finding.code, '')}".rstrip()
    else:
        label = finding.rule
    yield f"  {kind} {_printable(finding.path)} ({label})"
    yield f"      {excerpt(value_at(root, finding.path), _EXCERPT_CHARACTERS)}"
    yield f"      {_printable(finding.message)}"
    if isinstance(finding, Warning_):
        yield f"      see docs/lint/{finding.code}.md"


def _counts(errors: Sequence[Rejection], warnings: Sequence[Warning_]) -> str:
    parts = []
    if errors:
        parts.append(_plural(len(errors), "error"))
    if warnings:
        parts.append(_plural(len(warnings), "warning"))
    return f" ({', '.join(parts)})" if parts else ""


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _printable(text: str) -> str:
    """Write everything but printable ASCII as an escape."""
    return "".join(
        character
        if character.isascii() and character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
