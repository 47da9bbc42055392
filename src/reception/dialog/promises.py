"""
What a function says it returns, and how that is written and read.

The rule this file keeps: the annotation decides, and is looked at once. A union of several
classes is written with the name of the class, since JSON does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

import msgspec

from reception.dialog.lines import plain_function


class Promise(NamedTuple):
    """
    What a function says it returns.

    Shape:
        hint: the type; None where it says nothing that helps.
        encode, decode: write and read a value of that type.
    """

    hint: Any
    encode: Callable[[Any], bytes]
    decode: Callable[[msgspec.Raw | bytes], Any]


# Weakly: an application may make functions as it goes.
_promises: Final[WeakKeyDictionary[Any, Promise]] = WeakKeyDictionary()
_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def promise_of(function: Callable[..., Any]) -> Promise:
    """
    Look up what a function says it returns, once.

    Errors:
        TypeError: a type that nothing can be read as.
    """
    plain = plain_function(function)
    if not hasattr(plain, "__annotations__"):
        plain = type(plain).__call__
    try:
        return _promises[plain]
    except (KeyError, TypeError):
        hint = _looked_up(plain)
    promise = Promise(None, encode, decode_plain) if hint is None else _of_hint(hint)
    with suppress(TypeError):
        _promises[plain] = promise
    return promise


def _looked_up(plain: Any) -> Any:
    if isinstance(plain, type):
        return plain
    try:
        hint = get_type_hints(plain, include_extras=True).get("return", Any)
    except Exception:  # noqa: BLE001  names under TYPE_CHECKING and the like: no type, then
        return None
    if get_origin(hint) in (Awaitable, Coroutine):
        hint = get_args(hint)[-1]
    return None if hint is Any else type(None) if hint is None else hint


def _of_hint(hint: Any) -> Promise:
    try:
        return Promise(hint, encode, _decoder_of(hint).decode)
    except TypeError:
        named = _Named.of(hint)
        if named is None:
            raise
        return Promise(hint, named.encode, named.decode)


class _Named:
    """A union of several classes: a value is written as ``{"Class": …}``."""

    def __init__(self, kinds: dict[str, Any]) -> None:
        self._kinds: Final = kinds
        self._decoders: Final = {name: _decoder_of(kind) for name, kind in kinds.items()}

    @classmethod
    def of(cls, hint: Any) -> _Named | None:
        """Read the hint; None where it is no union of classes with names of their own."""
        if get_origin(hint) not in (Union, UnionType):
            return None
        members = get_args(hint)
        kinds = {getattr(_class_of(each), "__name__", ""): each for each in members}
        is_told_apart = len(kinds) == len(members) and all(
            isinstance(_class_of(each), type) for each in members
        )
        return cls(kinds) if is_told_apart else None

    def encode(self, value: Any) -> bytes:
        """Write a value with the name of its class."""
        for name, kind in self._kinds.items():
            if type(value) is _class_of(kind):
                return encode({name: msgspec.Raw(encode(value))})
        names = ", ".join(self._kinds)
        raise TypeError(f"{type(value).__qualname__} is none of {names}")

    def decode(self, data: msgspec.Raw | bytes) -> Any:
        """Read it."""
        ((name, value),) = _decode_named(data).items()
        decoder = self._decoders.get(name)
        if decoder is None:
            raise msgspec.ValidationError(f"{name} is none of {', '.join(self._kinds)}")
        return decoder.decode(value)


def _class_of(kind: Any) -> Any:
    return get_origin(kind) or kind


def _decoder_of(hint: Any) -> msgspec.json.Decoder[Any]:
    try:
        return _decoders[hint]
    except (KeyError, TypeError):
        pass
    decoder = msgspec.json.Decoder(hint, dec_hook=_from_plain)
    with suppress(TypeError):
        _decoders[hint] = decoder
    return decoder


def to_plain(value: Any) -> Any:
    """Models of the usual libraries say themselves how they are written."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    raise TypeError(f"{type(value).__qualname__} has no form in JSON")


def _from_plain(kind: Any, value: Any) -> Any:
    validate = getattr(kind, "model_validate", None)
    if callable(validate):
        return validate(value)
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    raise TypeError(f"{getattr(kind, '__qualname__', kind)} has no form in JSON")


encode: Final = msgspec.json.Encoder(enc_hook=to_plain).encode
decode_plain: Final = msgspec.json.Decoder().decode
_decode_named: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
