"""
Run every lint rule over a flow and list what was found.

Lint tells of flows that the platform accepts and that do not do what their author meant; what
the platform rejects is the verdict's business, never repeated here. Whatever the flow is, lint
ends in linear time, raises nothing, and lists a bounded number of findings.

Rules themselves stand in `rules/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from reception.callflow.findings import Warning_
from reception.callflow.reading import Reading
from reception.callflow.rules import LIST_CUT_OFF, RULES
from reception.callflow.rules.rule import Subject
from reception.callflow.tree import walk

MAX_WARNINGS: Final = 500
"""Nobody reads more; and a hostile flow must not make us write without end."""

_MAX_TEXT: Final = 1_000_000
"""Characters in all findings: a path repeats every key above it, and keys can be long."""


def lint(reading: Reading, platform: Literal[4, 5]) -> tuple[Warning_, ...]:
    """
    List the warnings about a flow: first those about the whole, then node by node.

    Shape:
        reading: the decoded flow, of any shape, and what was seen while decoding it.
        returns: at most `MAX_WARNINGS` warnings; one more, RC100, where there are others.

    Errors:
        none, whatever `reading.root` holds.

    Source:
        contract pitfalls, modules, dialogs and observed; each rule names its fact.
    """
    subject = Subject(
        root=reading.root,
        tree=walk(reading.root),
        platform=platform,
        duplicate_paths=tuple(reading.duplicate_paths),
        broken_text_paths=tuple(reading.broken_text_paths),
    )
    found: list[Warning_] = []
    written = 0
    for warning in _warnings(subject):
        if len(found) == MAX_WARNINGS or written > _MAX_TEXT:
            more = f"There are more warnings than these {len(found)}. Mend some and check again."
            return (*found, Warning_("$", LIST_CUT_OFF, more))
        found.append(warning)
        written += len(warning.path) + len(warning.message)
    return tuple(found)


def _warnings(subject: Subject) -> Iterator[Warning_]:
    for rule in RULES:
        if rule.whole is not None:
            for path, message in rule.whole(subject):
                yield Warning_(path, rule.code, message)
    for place in subject.tree.places:
        for rule in RULES:
            if rule.each is None or (rule.modules and place.module not in rule.modules):
                continue
            for path, message in rule.each(place, subject):
                yield Warning_(path, rule.code, message)
