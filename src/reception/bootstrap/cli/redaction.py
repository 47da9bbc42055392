"""
What an application's code says, for those who redact or explore its calls.

The rule this file keeps: only files are read, those of the modules that the application came
with: what lies below the folder of a handler's module and is loaded. Libraries are nobody's
vocabulary.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reception.bootstrap.determinism import watched
from reception.dialog import home_of
from reception.face.app import App
from reception.rehearsal.pseudonyms import Pseudonyms
from reception.rehearsal.recording import RecordedCall
from reception.rehearsal.redacting import redacted
from reception.rehearsal.vocabulary import Vocabulary, vocabulary_of


def redaction_of(
    app: App, key: bytes, keep: Sequence[str]
) -> Callable[[RecordedCall], RecordedCall]:
    """Make the redaction of one export: equal words stay equal in all of its calls."""
    told = words_of(app)

    def redact(call: RecordedCall) -> RecordedCall:
        day = call.opened_at.date()
        return redacted(
            app,
            call,
            lambda: Pseudonyms(key, known=told.texts, names=told.names, day=day),
            keep=keep,
            sandbox=watched,
        )

    return redact


def words_of(app: App) -> Vocabulary:
    """The texts and names in an application's code."""
    return vocabulary_of(path.read_text("utf-8", "replace") for path in sources_of(app))


def sources_of(app: App) -> Iterator[Path]:
    """The files of an application, in alphabetical order."""
    homes = {Path(home_of(handler)) for handler in app.handlers.values()}
    folders = {home.parent for home in homes if home.is_file()}
    loaded = {
        Path(file)
        for module in list(sys.modules.values())
        if isinstance(file := getattr(module, "__file__", None), str) and file.endswith(".py")
    }
    for path in sorted(loaded | {home for home in homes if home.is_file()}):
        # An environment may lie in the folder of an application.
        if not {"site-packages", "dist-packages"} & set(path.parts) and (
            folders & set(path.parents)
        ):
            yield path
