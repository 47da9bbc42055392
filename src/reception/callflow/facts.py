"""
What the platform says about a value, as marks on the fields of a node.

The rule this file keeps: a node class is the only definition of its module. Its Python
annotations say the types, the marks here say the rest, and `schema_of` turns both into the
platform's own schema, from which checks, tests and tables are made. A mark that holds for
one version of the platform only says which.

Facts about single modules stand in `nodes/`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from reception.callflow.compiled import ACTION, CLIENT_URL, Schema

Platform = Literal[4, 5]
PLATFORMS: Final[tuple[Platform, Platform]] = (4, 5)


@dataclass(frozen=True, slots=True)
class Default:
    """The value that the platform writes in where the key is absent."""

    value: Any
    only: Platform | None = None


@dataclass(frozen=True, slots=True)
class Required:
    """The platform asks for the key (a default, where there is one, answers)."""

    only: Platform | None = None


@dataclass(frozen=True, slots=True)
class Only:
    """Only this version knows the key; to the other it is an unknown key, which it ignores."""

    version: Platform


@dataclass(frozen=True, slots=True)
class Length:
    """Bounds of a text's length in characters."""

    least: int | None = None
    most: int | None = None
    only: Platform | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a number, both included."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that must be found somewhere in the text."""

    regex: str


@dataclass(frozen=True, slots=True)
class Format:
    """A format that the schema names; the platform looks at ``email`` only."""

    name: str
    only: Platform | None = None


@dataclass(frozen=True, slots=True)
class ClientUrl:
    """The platform itself calls this URL and refuses those that name this very machine."""


@dataclass(frozen=True, slots=True)
class Items:
    """Bounds of a list: how many items at least, and whether each may stand once only."""

    least: int | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word of the annotation that one version does not know."""

    word: str
    to: Platform


@dataclass(frozen=True, slots=True)
class Key:
    """The data key, where the Python name is another."""

    name: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A schema written out, for the few values whose type says too little."""

    schema: Callable[[Platform], Schema]


class Part(msgspec.Struct, frozen=True):
    """
    An object inside a node's data.

    Fields that are None are not sent. A plain mapping with the same keys serves as well
    wherever a part is asked for.
    """

    def to_plain(self) -> dict[str, Any]:
        """The part as a mapping of its data keys, without what is None."""
        return {
            key: value
            for name, key in keys_of(type(self)).items()
            if (value := getattr(self, name)) is not None
        }


_HINTS: Final[dict[type, dict[str, Any]]] = {}
_KEYS: Final[dict[type, dict[str, str]]] = {}


def hints_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The annotations of a class, marks included, in the order of its fields."""
    hints = _HINTS.get(struct)
    if hints is None:
        every = get_type_hints(struct, include_extras=True)
        hints = _HINTS[struct] = {name: every[name] for name in struct.__struct_fields__}
    return hints


def keys_of(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The data key of each field."""
    keys = _KEYS.get(struct)
    if keys is None:
        keys = {}
        for name, hint in hints_of(struct).items():
            marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
            renamed = [mark.name for mark in marks if isinstance(mark, Key)]
            keys[name] = renamed[0] if renamed else name
        _KEYS[struct] = keys
    return keys


def schema_of(struct: type[msgspec.Struct], platform: Platform) -> dict[str, Any]:
    """
    Write the schema by which one version of the platform judges a node's data, or a part.

    Shape:
        returns: draft-04 keywords; a whole node inside is ``{"$ref": "callflows.action"}``.
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, hint in hints_of(struct).items():
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        if _absent(marks, platform) or name in getattr(struct, "unlisted", ()):
            continue
        key = keys_of(struct)[name]
        properties[key] = _schema(hint, platform)
        if any(isinstance(m, Required) and m.only in (None, platform) for m in marks):
            required.append(key)
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    exactly_one: Sequence[tuple[str, ...]] = getattr(struct, "exactly_one", ())
    if exactly_one and platform == 5:
        schema["oneOf"] = [{"required": list(keys)} for keys in exactly_one]
    return schema


def _absent(marks: Sequence[Any], platform: Platform) -> bool:
    return any(isinstance(mark, Only) and mark.version != platform for mark in marks)


def _schema(hint: Any, platform: Platform) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        drawn = [mark for mark in marks if isinstance(mark, Drawn)]
        schema = dict(drawn[0].schema(platform)) if drawn else _schema(inner, platform)
        for mark in marks:
            _mark(schema, mark, platform)
        return schema
    if get_origin(hint) in (Union, types.UnionType):
        return _union(hint, platform)
    if get_origin(hint) is Literal:
        words = list(get_args(hint))
        return {"type": "string" if isinstance(words[0], str) else "integer", "enum": words}
    origin = get_origin(hint) or hint
    if origin is Sequence:
        (item,) = get_args(hint)
        return {"type": "array"} | ({} if item is Any else {"items": _schema(item, platform)})
    if origin is Mapping:
        return {"type": "object"}
    if isinstance(origin, type) and issubclass(origin, Part):
        return schema_of(origin, platform)
    if isinstance(origin, type) and hasattr(origin, "render"):
        return {"$ref": ACTION}
    return {"type": {str: "string", int: "integer", bool: "boolean"}[origin]}


def _union(hint: Any, platform: Platform) -> dict[str, Any]:
    arms = [arm for arm in get_args(hint) if arm is not type(None)]
    structs = [arm for arm in arms if isinstance(arm, type) and hasattr(arm, "to_plain")]
    if structs:
        # A mapping beside a part or a flow is only another way to write the same.
        arms = structs
    kept = [
        _schema(arm, platform)
        for arm in arms
        if not (get_origin(arm) is Annotated and _absent(get_args(arm)[1:], platform))
    ]
    return kept[0] if len(kept) == 1 else {"oneOf": kept}


def _mark(schema: dict[str, Any], mark: Any, platform: Platform) -> None:
    if getattr(mark, "only", None) not in (None, platform):
        return
    match mark:
        case Default(value):
            schema["default"] = value
        case Length(least, most):
            _set(schema, minLength=least, maxLength=most)
        case Bounds(least, most):
            _set(schema, minimum=least, maximum=most)
        case Pattern(regex):
            schema["pattern"] = regex
        case Format(name):
            schema["format"] = name
        case ClientUrl():
            schema[CLIENT_URL] = True
        case Items(least, unique):
            _set(schema, minItems=least, uniqueItems=unique or None)
        case Unknown(word, to) if to == platform:
            schema["enum"] = [item for item in schema["enum"] if item != word]
        case _:
            pass


def _set(schema: dict[str, Any], **keywords: int | bool | None) -> None:
    schema.update({name: value for name, value in keywords.items() if value is not None})
