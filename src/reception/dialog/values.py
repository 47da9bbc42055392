"""
What a step returned or raised, as bytes, and back.

The rule this file keeps: the dialog gets a value that went through these bytes, the first
time as well as on every replay, so that both see the same type. Where the function says what
it returns, that type is what comes back; where it does not, only plain JSON values pass, and
everything else is refused by name rather than changed quietly.
"""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

import msgspec

from reception.dialog.endings import StepFailed
from reception.dialog.keeping import loss
from reception.dialog.lines import line_in, name_of, plain_function
from reception.dialog.secret import Secret
from reception.errors import AppError

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_NOTHING: Final = msgspec.Raw(b"null")

RAISED_IN: Final = "__raised_in__"
"""The attribute of an error from a journal that names the line which raised it."""


class Failure(msgspec.Struct, array_like=True, frozen=True):
    """
    An exception, written down.

    Shape:
        type_name: ``module:qualified.name`` of its class.
        text: what ``str`` said.
        args, state: its arguments and attributes, as far as JSON can say them.
        place: ``crm/api.py:12``, the line of the step's own file; "" where it is not known.
    """

    type_name: str
    text: str
    args: tuple[Any, ...] = ()
    state: dict[str, Any] = {}
    place: str = ""


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
        hint, decode = promise_of(function)
        if hint is None:
            _must_be_plain(value, function)
        data = _encoder.encode(value)
        lost = loss(value, decode(data)) if hint is not None else None
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
    """
    Write down an exception.

    Args:
        without: texts that must not stand in it (secrets that the step was given).
        home: the file of the step's function, whose line is kept.
    """
    type_name = f"{type(error).__module__}:{type(error).__qualname__}"
    text = _struck(_text_of(error), without)
    place = line_in(error.__traceback__, home)
    try:
        # Where its arguments cannot be kept, what they said is.
        args = error.args if _is_plain(error.args) else (text,)
        state = {
            name: _strike_all(value, without)
            for name, value in vars(error).items()
            if not name.startswith("__") and _is_plain(value)
        }
        data = _encode(Failure(type_name, text, _strike_all(args, without), state, place))
    except (TypeError, ValueError, OverflowError, RecursionError):
        text = text.encode("utf-8", "backslashreplace").decode()
        data = _encode(Failure(type_name, text, (text,), {}, place))
    return Result(False, msgspec.Raw(data))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  an error whose own text fails is recorded all the same
        return "(its text cannot be read)"


def value_read(data: msgspec.Raw, function: Callable[..., Any]) -> Any:
    """
    Read what `value_written` wrote.

    Errors:
        msgspec.ValidationError: the function promises another type than it did then.
    """
    return promise_of(function).decode(data)


def failure_read(data: msgspec.Raw) -> Exception:
    """
    Make the recorded exception again, of its own class where that is loaded.

    Its traceback begins where the dialog waits; a note says where it was raised.
    """
    failure = _decode_failure(data)
    error = _made_again(failure)
    if failure.place:
        vars(error)[RAISED_IN] = failure.place
        error.add_note(f"raised in {failure.place}")
    return error


def _made_again(failure: Failure) -> Exception:
    kind = _class_named(failure.type_name)
    if kind is None:
        return StepFailed(failure.type_name, failure.text)
    try:
        # Not through __init__: what it asks for was not what it was given then.
        error = kind.__new__(kind, *failure.args)
        error.args = failure.args
        vars(error).update(failure.state)
    except Exception:  # noqa: BLE001  a class that refuses still becomes an error with its name
        return StepFailed(failure.type_name, failure.text)
    return error


def written(value: Any) -> msgspec.Raw:
    """One plain value of our own as JSON."""
    return msgspec.Raw(_encode(value))


def read(data: msgspec.Raw) -> Any:
    """Read what `written` wrote."""
    return _plain_decode(data)


# --- types ----------------------------------------------------------------------------------------


class Promise(NamedTuple):
    """
    What a function says it returns.

    Shape:
        hint: the type; None where it says nothing that helps.
        decode: reads a value of that type.
    """

    hint: Any
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
    decode = _plain_decode if hint is None else _decoder_of(hint).decode
    promise = Promise(hint, decode)
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


def _decoder_of(hint: Any) -> msgspec.json.Decoder[Any]:
    try:
        return _decoders[hint]
    except (KeyError, TypeError):
        pass
    decoder = msgspec.json.Decoder(hint, dec_hook=_from_plain)
    with suppress(TypeError):
        _decoders[hint] = decoder
    return decoder


def _to_plain(value: Any) -> Any:
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


def _to_digest(value: Any) -> Any:
    if isinstance(value, Secret):
        return "(secret)"
    try:
        return _to_plain(value)
    except Exception:  # noqa: BLE001  whatever it is, its class is what can be compared
        return f"{type(value).__module__}:{type(value).__qualname__}"


_encoder: Final = msgspec.json.Encoder(enc_hook=_to_plain)
_digest_encoder: Final = msgspec.json.Encoder(enc_hook=_to_digest, order="sorted")
_encode: Final = msgspec.json.Encoder().encode
_plain_decode: Final = msgspec.json.Decoder().decode
_decode_result: Final = msgspec.json.Decoder(Result).decode
_decode_failure: Final = msgspec.json.Decoder(Failure).decode


# --- plain values ---------------------------------------------------------------------------------


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind in (list, tuple):
        return all(_is_plain(item) for item in value)
    if kind is dict:
        return all(type(name) is str and _is_plain(item) for name, item in value.items())
    return False


def _must_be_plain(value: Any, function: Callable[..., Any]) -> None:
    if not _is_plain(value):
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


def _struck(text: str, without: tuple[str, ...]) -> str:
    for secret in without:
        if secret:
            text = text.replace(secret, "***")
    return text


def _strike_all(value: Any, without: tuple[str, ...]) -> Any:
    if not without:
        return value
    if type(value) is str:
        return _struck(value, without)
    if type(value) in (list, tuple):
        return type(value)(_strike_all(item, without) for item in value)
    if type(value) is dict:
        return {_struck(k, without): _strike_all(v, without) for k, v in value.items()}
    if type(value) is int and str(value) in without:
        return 0
    return value


# --- exceptions by name ---------------------------------------------------------------------------

_classes: Final[dict[str, type[Exception]]] = {}


def _class_named(type_name: str) -> type[Exception] | None:
    """Find a class of exceptions that is loaded. Nothing is imported for it."""
    module, _, name = type_name.partition(":")
    found = _classes.get(type_name)
    if found is not None:
        return found
    if module == "builtins":
        found = getattr(builtins, name, None)
        return found if isinstance(found, type) and issubclass(found, Exception) else None
    waiting: list[type[Exception]] = [Exception]
    seen: set[type] = set()
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        # The latest wins: after a reload the old class may still be around.
        if kind.__module__ == module and kind.__qualname__ == name:
            found = kind
        waiting.extend(kind.__subclasses__())
    if found is not None and "<locals>" not in name:
        _classes[type_name] = found
    return found
