"""
PostgreSQL's binary format, for the few types that steps travel in.

A group of 64 steps is some 600 values; written here they cost a third of what the driver's
general way costs, and that time is taken from the core that answers calls. Only what the
statements of `commits` and `histories` need: arrays of text, bytea, integer and timestamptz
(without NULL), single values the other way. Tests hold it against the driver.

Text arrives here as UTF-8 bytes already (`text`), so that what cannot be stored is refused
for the step that brought it and not for its group.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final

from reception.errors import AppError

_HEAD: Final = Struct("!iiIii").pack
_NUMBER: Final = Struct("!i").pack
_INT4: Final = Struct("!ii").pack
_INT8: Final = Struct("!iq").pack
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

_BYTEA_OID: Final = 17
_INT4_OID: Final = 23
_TEXT_OID: Final = 25
_TIMESTAMPTZ_OID: Final = 1184


def text(name: str, value: str) -> bytes:
    """
    Encode a text, or refuse it.

    Errors:
        AppError: "store.text", PostgreSQL's text holds no NUL and UTF-8 no half of a pair.
    """
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise AppError(
            "store.text", f"{name} holds a character that cannot be stored: NUL or a lone surrogate"
        )
    return encoded


def tenant(value: str) -> bytes:
    """
    Encode the id of a tenant, which is never a list of several.

    Errors:
        AppError: "store.text", also for a comma, which separates the names that a transaction
        is given.
    """
    if "," in value:
        raise AppError("store.text", "the tenant's id holds a comma")
    return text("the tenant", value)


def moment(value: datetime) -> int:
    """Count the microseconds from the beginning of 2000; the time must know its zone."""
    return (value - _EPOCH) // _MICROSECOND


def text_array(values: Sequence[bytes]) -> bytes:
    """Write a text[] of texts that are encoded already."""
    return _array(_TEXT_OID, values)


def bytea_array(values: Sequence[bytes]) -> bytes:
    """Write a bytea[]."""
    return _array(_BYTEA_OID, values)


def int4_array(values: Sequence[int]) -> bytes:
    """Write an integer[]."""
    return _head(_INT4_OID, len(values)) + b"".join([_INT4(4, value) for value in values])


def timestamptz_array(values: Sequence[int]) -> bytes:
    """Write a timestamptz[] of `moment` counts."""
    return _head(_TIMESTAMPTZ_OID, len(values)) + b"".join([_INT8(8, value) for value in values])


def to_int(value: bytes) -> int:
    """Read an integer of any width."""
    return int.from_bytes(value, "big", signed=True)


def to_moment(value: bytes) -> datetime:
    """Read a timestamptz."""
    return _EPOCH + timedelta(microseconds=int.from_bytes(value, "big", signed=True))


def _array(oid: int, values: Sequence[bytes]) -> bytes:
    parts = [_head(oid, len(values))]
    for value in values:
        parts.append(_NUMBER(len(value)))
        parts.append(value)
    return b"".join(parts)


def _head(oid: int, length: int) -> bytes:
    if not length:
        return _HEAD(0, 0, oid, 0, 0)[:12]
    return _HEAD(1, 0, oid, length, 1)
