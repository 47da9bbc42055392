"""
The envelope around every answer of the API.

Source: contract/platform_api.md, envelope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.rest.asked import ApiError

_VERSION: Final = "4.3.142"
_NODE: Final = "b4Tqv8pWUS2Q1ysF1jVFsQ"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a resource answers.

    Shape:
        extra: keys beside ``data``, such as ``page_size``.
        revision: of the document, also sent as ETag.
        raw: bytes in place of an envelope, with their type.
    """

    data: Any
    status: int = 200
    extra: Mapping[str, Any] = field(default_factory=dict)
    revision: str | None = None
    raw: bytes | None = None
    content_type: str = "application/json"


def success(
    answer: Answer, *, request_id: str, timestamp: str, token: str | None
) -> dict[str, Any]:
    """Wrap what a resource answered."""
    wrapped: dict[str, Any] = {"data": answer.data}
    if isinstance(answer.data, Mapping) and "id" in answer.data:
        wrapped["metadata"] = {"id": answer.data["id"]}
    wrapped |= answer.extra
    if token is not None:
        wrapped.setdefault("auth_token", token)
    if answer.revision is not None:
        wrapped["revision"] = answer.revision
    return wrapped | _common(request_id, timestamp) | {"status": "success"}


def failure(
    error: ApiError, *, request_id: str, timestamp: str, token: str | None
) -> dict[str, Any]:
    """Wrap a refusal; its code is a text."""
    wrapped: dict[str, Any] = {
        "data": error.data or {"message": error.message},
        "error": str(error.status),
        "message": error.message,
        "status": "fatal" if error.is_fatal else "error",
    }
    if token is not None:
        wrapped["auth_token"] = token
    return wrapped | _common(request_id, timestamp)


def encoded(wrapped: Mapping[str, Any]) -> bytes:
    """Write an envelope."""
    return json.dumps(wrapped, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", errors="replace"
    )


def _common(request_id: str, timestamp: str) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "timestamp": timestamp,
        "version": _VERSION,
        "node": _NODE,
    }
