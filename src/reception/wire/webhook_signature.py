"""
Whether a webhook of version 2 was signed by an account's platform.

The platform signs the decimal time and the data as canonical JSON (keys in order, nothing
between them). It takes the time that it signs and the time that it sends at two moments, so
that at the turn of a second the signed one may be one less or one more.

The rule: only what stands in ``data`` is signed; what stands beside it is anybody's.

Source: contract/hangup.md, "v2 webhook (v5)", with its check vector.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any

from reception.errors import AppError
from reception.wire.json_text import render_json_text


def sign(data: Mapping[str, Any], key: bytes, timestamp: int) -> str:
    """
    Sign data as the platform does.

    Shape:
        timestamp: Gregorian seconds.

    >>> sign({"foo": "bar"}, b"123", 63834206532)
    'z481V/jZHAnFEjNCMORc2FgX03CyzxV+fLV6BWhnY6U='
    """
    text = f"{timestamp}{render_json_text(_ordered(data))}"
    return base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()


def is_signed(envelope: Mapping[str, Any], key: bytes) -> bool:
    """Is this envelope (decoded, see `report.fields_of`) signed with the account's key?"""
    data, sent, given = (envelope.get(name) for name in ("data", "timestamp", "hmac"))
    if not isinstance(data, Mapping) or not isinstance(given, str):
        return False
    if isinstance(sent, str) and sent.isascii() and sent.isdigit() and len(sent) < 18:
        sent = int(sent)
    if type(sent) is not int:
        return False
    is_ours = False
    for timestamp in (sent - 1, sent, sent + 1):
        try:
            expected = sign(data, key, timestamp)
        except (AppError, RecursionError, UnicodeEncodeError):
            return False
        is_ours |= hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
    return is_ours


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value
