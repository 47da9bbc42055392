"""
What a step returned or raised, as bytes, and back.

The rule this file keeps: the dialog gets a value that went through these bytes, the first
time as well as on every replay, so that both see the same type. Where the function says what
it returns, that type is what comes back; where it does not, only plain JSON values pass, and
everything else is refused by name rather than changed quietly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import msgspec

from reception.dialog.failures import error_written
from reception.dialog.keeping import is_plain, loss
from reception.dialog.lines import name_of
from reception.dialog.promises import decode_plain, promise_of, to_plain
from reception.dialog.secret import Secret
from reception.errors import AppError

_NOTHING: Final = msgspec.Raw(b"null")


class Result(msgspec.Struct, array_like=True, frozen=True):
    """What became of a step: a value, or a failure."""

    is_ok: bool
    value: msgspec.Raw = _NOTHING

    def encode(self) -> bytes:
        """The bytes that a store keeps."""
        return _encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Result:
        """Read what `encode` wrote."""
        return _decode_result(data)


def digest_of(value: Any, same: Mapping[str, str] = MappingProxyType({})) -> str:
    """
    Sixteen characters that are equal for equal arguments.

    Secrets are left out; what cannot be written down counts by its class.

    Args:
        same: texts in the arguments, and what stands for them.
    """
    try:
        written = _digest_encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeEncodeError):
        written = repr(type(value)).encode()
    if same:
        for text in sorted(same, key=len, reverse=True):
            written = written.replace(text.encode(), same[text].encode())
    return _hashed(written)


# At every replay the same arguments are hashed again.
@lru_cache(maxsize=4_096)
def _hashed(written: bytes) -> str:
    return hashlib.blake2b(written, digest_size=8).hexdigest()


def value_written(function: Callable[..., Any], value: Any) -> Result:
    """
    Write down what `function` returned.

    A value that cannot be written down becomes a failure that says what to do: the function
    has run, so this must not raise.
    """
    try:
        promise = promise_of(function)
        if promise.hint is None:
            _must_be_plain(value, function)
        data = promise.encode(value)
        lost = loss(value, promise.decode(data)) if promise.hint is not None else None
        if lost is not None:
            raise TypeError(f"{lost}, since the annotation does not name it")
    except AppError as error:
        return failure_written(error)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return failure_written(_cannot_keep(function, value, str(error)))
    return Result(True, msgspec.Raw(data))


def failure_written(
    error: BaseException, *, without: tuple[str, ...] = (), home: str = ""
) -> Result:
    """Write down what a step raised (see `error_written`)."""
    return Result(False, error_written(error, without, home))


def value_read(data: msgspec.Raw, function: Callable[..., Any]) -> Any:
    """
    Read what `value_written` wrote.

    Errors:
        msgspec.ValidationError: the function promises another type than it did then.
    """
    return promise_of(function).decode(data)


def written(value: Any) -> msgspec.Raw:
    """One plain value of our own as JSON."""
    return msgspec.Raw(_encode(value))


def read(data: msgspec.Raw) -> Any:
    """Read what `written` wrote."""
    return decode_plain(data)


def _to_digest(value: Any) -> Any:
    if isinstance(value, Secret):
        return "(secret)"
    try:
        return to_plain(value)
    except Exception:  # noqa: BLE001  whatever it is, its class is what can be compared
        return f"{type(value).__module__}:{type(value).__qualname__}"


_digest_encoder: Final = msgspec.json.Encoder(enc_hook=_to_digest, order="sorted")
_encode: Final = msgspec.json.Encoder().encode
_decode_result: Final = msgspec.json.Decoder(Result).decode


def _must_be_plain(value: Any, function: Callable[..., Any]) -> None:
    if not is_plain(value):
        raise AppError(
            "dialog.step_untyped",
            f"{name_of(function)} returned {type(value).__qualname__}, which comes back from the"
            " journal as something else: annotate what it returns, as in"
            f" `-> {type(value).__qualname__}`, or return plain dicts, lists, texts and numbers",
        )


def _cannot_keep(function: Callable[..., Any], value: Any, why: str) -> AppError:
    return AppError(
        "dialog.step_result",
        f"What {name_of(function)} returned ({type(value).__qualname__}) cannot be kept in the"
        f" journal: {why}. Return dataclasses, msgspec or pydantic models, or plain values, and"
        " annotate them",
    )
