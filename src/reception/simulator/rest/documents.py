"""
The account's documents: made, read, replaced, merged, deleted, listed by the page.

A POST replaces the whole document, a PATCH merges, and null takes a key away. Each change
makes a new revision; whoever sends an old one is told of the conflict. Lists are the newest
first, fifty at a time, and go on from a key that means nothing to anybody else.

Source: contract/platform_api.md, envelope, callflows, webhooks.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.rest.asked import ApiError, Asked, bad_identifier, invalid
from reception.simulator.rest.envelope import Answer

PAGE_SIZE: Final = 50
_NEVER_STORED: Final = frozenset({"id", "_rev", "revision", "metadata"})


@dataclass(slots=True)
class Document:
    """One document, with its revision and when it was made (Gregorian seconds)."""

    id: str
    body: dict[str, Any]
    created: int
    revision: int = 1

    def shown(self) -> dict[str, Any]:
        """Give the document as the API shows it."""
        return {**self.body, "id": self.id}

    @property
    def etag(self) -> str:
        """The revision, as it stands in an envelope."""
        return f"{self.revision}-{self.id[:16]}"


@dataclass(slots=True)
class Documents:
    """
    All documents of one kind.

    Shape:
        summary: the keys that a list shows; () shows everything.
    """

    kind: str
    new_id: Callable[[], str]
    now: Callable[[], int]
    summary: tuple[str, ...] = ()
    held: dict[str, Document] = field(default_factory=dict)

    def add(self, body: Mapping[str, Any], document_id: str | None = None) -> Document:
        """Store a new document."""
        kept = {key: value for key, value in body.items() if key not in _NEVER_STORED}
        document = Document(document_id or self.new_id(), kept, self.now())
        self.held[document.id] = document
        return document

    def get(self, document_id: str) -> Document:
        """Give a document, or 404."""
        document = self.held.get(document_id)
        if document is None:
            raise bad_identifier(document_id)
        return document

    def replaced(self, asked: Asked, document_id: str) -> tuple[Document, dict[str, Any]]:
        """Give a document and what a POST makes of it; nothing is stored yet."""
        document = self.get(document_id)
        self._check_revision(document, asked.data)
        return document, {key: v for key, v in asked.data.items() if key not in _NEVER_STORED}

    def patched(self, asked: Asked, document_id: str) -> tuple[Document, dict[str, Any]]:
        """Give a document and what a PATCH makes of it; nothing is stored yet."""
        document = self.get(document_id)
        self._check_revision(document, asked.data)
        change = {key: value for key, value in asked.data.items() if key not in _NEVER_STORED}
        return document, merged(document.body, change)

    def store(self, document: Document, body: Mapping[str, Any]) -> Document:
        """Make `body` the next revision of a document."""
        document.body = dict(body)
        document.revision += 1
        return document

    def delete(self, document_id: str) -> Document:
        """Take a document away."""
        document = self.get(document_id)
        del self.held[document_id]
        return document

    def listed(self, asked: Asked) -> Answer:
        """Give one page of the list."""
        rows = [self._row(document) for document in self.held.values()]
        return paged(rows[::-1], asked)

    def _row(self, document: Document) -> dict[str, Any]:
        shown = document.shown()
        if not self.summary:
            return shown
        return {key: shown[key] for key in ("id", *self.summary) if key in shown}

    def _check_revision(self, document: Document, data: Mapping[str, Any]) -> None:
        given = data.get("_rev") or data.get("revision")
        if given is not None and given != document.etag:
            raise ApiError(409, "conflicting documents", {"message": "conflicting documents"})


def merged(old: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """
    Merge a PATCH.

    >>> merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None, "e": 4}, "d": None})
    {'a': {'c': 2, 'e': 4}}
    """
    new = dict(old)
    for key, value in change.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, Mapping):
            before = new.get(key)
            new[key] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            new[key] = value
    return new


def paged(rows: Sequence[Mapping[str, Any]], asked: Asked) -> Answer:
    """
    Give the page that a request asks for, filtered.

    Errors:
        ApiError: 400 for a page size or a key that is none.
    """
    rows = [row for row in rows if _fits(row, asked.query)]
    if asked.query.get("paginate") == "false":
        return Answer(rows, extra={"page_size": len(rows)})
    size = _page_size(asked)
    start = _start(asked.query.get("start_key"))
    page = rows[start : start + size]
    extra: dict[str, Any] = {"page_size": len(page), "start_key": asked.query.get("start_key", "")}
    if start + size < len(rows):
        extra["next_start_key"] = _key(start + size)
    return Answer(page, extra=extra)


def _page_size(asked: Asked) -> int:
    written = asked.query.get("page_size", str(PAGE_SIZE))
    if not written.isascii() or not written.isdigit() or int(written) < 1:
        raise invalid("page_size", "minimum", "page size must be at least 1")
    return int(written)


def _key(position: int) -> str:
    return base64.urlsafe_b64encode(f"at {position}".encode()).decode("ascii")


def _start(key: str | None) -> int:
    if not key:
        return 0
    try:
        return int(base64.urlsafe_b64decode(key.encode()).decode().removeprefix("at "))
    except ValueError:
        raise invalid("start_key", "invalid", "no such start key") from None


def _fits(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Apply every ``filter_path.of.key=value`` of the query."""
    for name, wanted in query.items():
        if not name.startswith("filter_"):
            continue
        value: Any = row
        for part in name.removeprefix("filter_").split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if str(value) != wanted:
            return False
    return True
