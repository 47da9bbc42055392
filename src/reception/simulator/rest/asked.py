"""
One request to the API, read, and the errors that answer it.

The rule: whatever is wrong with a request ends in one `ApiError`; a resource never sees a
request that could not be read. A POST may stand for another verb where tunnelling says so.

Source: contract/platform_api.md, envelope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

LARGEST_BODY: Final = 4 * 1024 * 1024
VERBS: Final = frozenset({"GET", "PUT", "POST", "PATCH", "DELETE"})


class ApiError(Exception):
    """
    The API refuses.

    Shape:
        status: of the answer.
        message: the platform's words, such as ``bad identifier``.
        data: what the envelope holds beside them.
        is_fatal: the platform calls the status ``fatal`` in place of ``error``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        data: Mapping[str, Any] | None = None,
        *,
        is_fatal: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.data = dict(data or {})
        self.is_fatal = is_fatal


def bad_identifier(document_id: str) -> ApiError:
    """Return the error for a document that is not there."""
    cause = {"message": "bad identifier", "cause": document_id}
    return ApiError(404, "bad identifier", {"id": {"not_found": cause}})


def invalid(field_name: str, rule: str, message: str, **detail: Any) -> ApiError:
    """Return the error for one field that its schema refuses."""
    return ApiError(400, "invalid data", {field_name: {rule: {"message": message, **detail}}})


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A request.

    Shape:
        verb: after tunnelling.
        path: the parts behind ``/v2``, decoded.
        query: the first value of each key.
        envelope: the whole JSON body; `data` is its ``data``.
        token: from the header or the envelope; None without.
    """

    verb: str
    path: Sequence[str]
    query: Mapping[str, str] = field(default_factory=dict)
    envelope: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    token: str | None = None
    client: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The document or the command that was sent; empty where none was."""
        data = self.envelope.get("data")
        return dict(data) if isinstance(data, Mapping) else {}

    @property
    def accepts_charges(self) -> bool:
        """Whether the caller agrees to pay."""
        return self.envelope.get("accept_charges") is True


def read(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    client: str = "",
) -> Asked:
    """
    Read one request.

    Errors:
        ApiError: 400 for what is no JSON object, 404 for a path outside the API, 405 for
        another method.
    """
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts or parts[0] not in {"v1", "v2"}:
        raise ApiError(404, "not_found")
    pairs: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        pairs.setdefault(key, value)
    # curl calls everything a form unless told otherwise; a sound or a picture is no envelope.
    is_json = "json" in headers.get("content-type", "json") or body.lstrip()[:1] == b"{"
    envelope = _envelope(body) if is_json else {}
    verb = method.upper()
    if verb == "POST":
        tunnelled = envelope.get("verb") or pairs.get("verb")
        verb = str(tunnelled).upper() if tunnelled else verb
    if verb not in VERBS:
        raise ApiError(405, "method not allowed")
    return Asked(verb, parts[1:], pairs, envelope, body, _token(headers, envelope), client)


def _envelope(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    if len(body) > LARGEST_BODY:
        raise ApiError(400, "parse_error")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "parse_error") from None
    if not isinstance(read, dict):
        raise ApiError(400, "parse_error")
    return read


def _token(headers: Mapping[str, str], envelope: Mapping[str, Any]) -> str | None:
    if headers.get("x-auth-token"):
        return headers["x-auth-token"]
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    written = envelope.get("auth_token")
    return written if isinstance(written, str) and written else None
