"""
What `reception check` finds in an application: its source and its prompts.

The rule this file keeps: what surprises is known to `dialog` (`check_source`, `Catalogue`);
here it gets a code with a page, a place, and a weight. An error is what some caller would
hear as the fallback; everything else is a warning, and makes nothing invalid.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import click

from reception.bootstrap.cli.redaction import sources_of
from reception.dialog import Catalogue, check_source
from reception.errors import AppError
from reception.face.app import App


class Code(NamedTuple):
    """What stands at the top of a code's page."""

    name: str
    summary: str
    is_error: bool = False


CODES: Final = {
    "RC201": Code("runs at every question", "Code in a finally runs whenever the dialog waits."),
    "RC202": Code("with around a question", "What the with holds is closed at every question."),
    "RC203": Code("catches everything", "The except catches how a dialog is put away."),
    "RC204": Code("await is missing", "The operation is made and never awaited.", True),
    "RC210": Code("prompt not in a language", "Some callers hear it in the default language."),
    "RC211": Code("no such prompt", "The default language does not have the prompt.", True),
    "RC212": Code("other parameters", "The prompt asks for other parameters there.", True),
}


class Found(NamedTuple):
    """
    One finding.

    Shape:
        place: ``12:5``, line and column; the key of a prompt; "" for a file as a whole.
    """

    place: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and what was found in it."""

    name: str
    found: tuple[Found, ...]

    @property
    def errors(self) -> list[Found]:
        """Those that make it invalid."""
        return [each for each in self.found if CODES[each.code].is_error]

    @property
    def warnings(self) -> list[Found]:
        """The others."""
        return [each for each in self.found if not CODES[each.code].is_error]


def check_file(name: str, text: str) -> Source:
    """
    Check one file of Python.

    Errors:
        AppError("check.syntax"): it is none.
    """
    remarks = check_source(text, name)
    found = [Found(f"{at.line}:{at.column}", at.code, at.message) for at in remarks]
    return Source(name, tuple(found))


def check_app(app: App) -> list[Source]:
    """Check the files of an application, then its prompts."""
    found = []
    here = Path.cwd()
    for path in sources_of(app):
        name = str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
        text = path.read_text("utf-8", "replace")
        try:
            source = check_file(name, text)
        except AppError:
            continue  # It was imported, so it is ours that is too old for it.
        if app.catalogue is not None:
            source = Source(name, (*source.found, *_used(text, app.catalogue)))
        found.append(source)
    if app.catalogue is not None:
        found += check_prompts(app.catalogue)
    return found


def _used(text: str, catalogue: Catalogue) -> Iterator[Found]:
    """Prompts that the code names and no language has."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        key = node.args[0]
        used = key.value if isinstance(key, ast.Constant) else None
        if name not in ("prompt", "Prompt") or not isinstance(used, str):
            continue
        if used not in catalogue.keys:
            message = f"no language has a prompt {used!r}"
            yield Found(f"{node.lineno}:{node.col_offset + 1}", "RC211", message)


def check_prompts(catalogue: Catalogue) -> Iterator[Source]:
    """Check a catalogue: one file for each language."""
    by_language: dict[str, list[Found]] = {language: [] for language in catalogue.languages}
    for missing in catalogue.findings():
        if missing.message.startswith("differs"):
            code = "RC212"
        elif missing.language == catalogue.default:
            code = "RC211"
        else:
            code = "RC210"
        found = Found(missing.key, code, missing.message)
        by_language.setdefault(missing.language, []).append(found)
    for language, found_there in by_language.items():
        yield Source(f"prompts/{language}.toml", tuple(found_there))


def source_as_json(source: Source) -> str:
    """Write one line of JSON about a file, with the keys that a callflow's line has."""
    return json.dumps(
        {
            "file": source.name,
            "valid": not source.errors,
            "errors": [
                {"path": each.place, "rule": each.code, "message": each.message}
                for each in source.errors
            ],
            "warnings": [
                {"path": each.place, "code": each.code, "message": each.message}
                for each in source.warnings
            ],
        }
    )


def source_for_people(source: Source) -> str:
    """Write what was found in a file, a paragraph for each finding."""
    good = click.style("valid", fg="green")
    verdict = click.style("invalid", fg="red", bold=True) if source.errors else good
    lines = [f"{click.style(click.format_filename(source.name), bold=True)}: {verdict}"]
    for each in source.found:
        code = CODES[each.code]
        kind = (
            click.style("error", fg="red") if code.is_error else click.style("warning", fg="yellow")
        )
        at = f"{source.name}:{each.place}" if each.place else source.name
        lines += [
            f"  {kind} {at} ({each.code} {code.name})",
            f"      {each.message}",
            f"      see docs/lint/{each.code}.md",
        ]
    return "\n".join(lines)


def counted(sources: Iterable[Source]) -> tuple[int, int]:
    """How many errors and warnings."""
    every: Sequence[Source] = list(sources)
    return sum(len(each.errors) for each in every), sum(len(each.warnings) for each in every)
