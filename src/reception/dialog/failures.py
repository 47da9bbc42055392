"""
What a step raised, as JSON, and back.

The rule this file keeps: an error comes back as its own class where that is loaded, with what
JSON can say of it and without the secrets that the step was given. Writing one down never
raises: the step has happened.
"""

from __future__ import annotations

import builtins
from typing import Any, Final

import msgspec

from reception.dialog.endings import StepFailed
from reception.dialog.keeping import is_plain
from reception.dialog.lines import line_in

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


def error_written(error: BaseException, without: tuple[str, ...], home: str) -> msgspec.Raw:
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
        args = error.args if is_plain(error.args) else (text,)
        state = {
            name: _strike_all(value, without)
            for name, value in vars(error).items()
            if not name.startswith("__") and is_plain(value)
        }
        data = _encode(Failure(type_name, text, _strike_all(args, without), state, place))
    except (TypeError, ValueError, OverflowError, RecursionError):
        text = text.encode("utf-8", "backslashreplace").decode()
        data = _encode(Failure(type_name, text, (text,), {}, place))
    return msgspec.Raw(data)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  an error whose own text fails is recorded all the same
        return "(its text cannot be read)"


def error_read(data: msgspec.Raw) -> Exception:
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


_encode: Final = msgspec.json.Encoder().encode
_decode_failure: Final = msgspec.json.Decoder(Failure).decode


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
