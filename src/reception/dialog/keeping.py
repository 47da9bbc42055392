"""
What JSON keeps of a value, and what is lost on the way into a journal and back.

The rule this file keeps: JSON has few types, and an annotation may say less than the value is
(``dict[str, Any]``, a base class). What would quietly come back as something else is found
here, before a dialog goes on with it; what the annotation asks for is no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_PLAIN: Final = (*_SCALARS, list, dict)


def is_plain(value: Any) -> bool:
    """Is it what JSON has by itself, without anybody's annotation?"""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind in (list, tuple):
        return all(is_plain(item) for item in value)
    if kind is dict:
        return all(type(name) is str and is_plain(item) for name, item in value.items())
    return False


def loss(value: Any, back: Any, where: str = "") -> str | None:
    """
    Say what is not what it was; None where all is.

    Tuples may come back as lists, and whole numbers as floats.

    >>> loss({"price": 1j}, {"price": "1j"})
    "['price'] is a complex and comes back as str"
    """
    if isinstance(value, Mapping) and isinstance(back, Mapping):
        for key, each in value.items():
            if key not in back:
                return f"the key {key!r}{' of ' + where if where else ''} comes back as a text"
            found = loss(each, back[key], f"{where}[{key!r}]")
            if found is not None:
                return found
        return None
    # A named tuple that comes back as a list has no names any more.
    is_row = type(value) in (list, tuple) or type(value) is type(back)
    if isinstance(value, (list, tuple)) and isinstance(back, (list, tuple)) and is_row:
        return _first(
            loss(each, other, f"{where}[{place}]")
            for place, (each, other) in enumerate(zip(value, back, strict=False))
        )
    if _is_changed(value, back):
        is_what = f"is a {type(value).__qualname__} and comes back as {type(back).__qualname__}"
        return f"{where} {is_what}" if where else f"it {is_what}"
    names = _names(value)
    if not names or not _names(back):
        return None
    return _first(
        loss(getattr(value, name, None), getattr(back, name, None), f"{where}.{name}")
        for name in names
    )


def _is_changed(value: Any, back: Any) -> bool:
    if type(back) in _PLAIN:
        is_number = type(value) is int and type(back) is float
        return not isinstance(value, type(back)) and not is_number
    # Of another class than it was: whatever that does not know is gone.
    return bool(_names(back)) and not set(_names(value)) <= set(_names(back))


def _names(value: Any) -> tuple[str, ...]:
    """The fields of a record; none for anything else."""
    kind = type(value)
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    named = getattr(kind, "__struct_fields__", None) or getattr(kind, "model_fields", None) or ()
    return tuple(named)


def _first(found: Iterator[str | None]) -> str | None:
    return next((each for each in found if each is not None), None)
