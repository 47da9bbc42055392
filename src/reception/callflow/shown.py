"""
Values of a flow in words, for the sentences of findings.

The rule this file keeps: a value appears in a sentence only when it is short, so that a
sentence stays a sentence and a long text, which may be a guest's, is never repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from typing import Any, Final

_SHORT: Final = 32
"""Characters of a text that may be shown. A caller name or a wrong word fits, a speech does not."""

_NAMES: Final = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


def type_in_words(name: str) -> str:
    """Say a JSON schema type in plain words."""
    return _NAMES.get(name, name)


def value_in_words(value: Any) -> str:
    """Say what a value is, with the value itself where it is short."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {quoted(value)}" if len(value) <= _SHORT else "a long text"
    if isinstance(value, int):
        # int → str is limited to 4,300 digits by the interpreter; nobody reads as many.
        return f"the number {value}" if value.bit_length() <= 64 else "a very large number"
    if isinstance(value, float):
        return f"the number {value}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, type):
        return f"the Python class {value.__name__}"
    return f"a Python {type(value).__name__}"


def quoted(text: str) -> str:
    """Write a text in double quotes, in ASCII."""
    return encode_basestring_ascii(text)


def listed(values: Iterable[Any]) -> str:
    """Write the allowed values: ``"get", "post" or "GET"``."""
    words = [quoted(value) if isinstance(value, str) else str(value) for value in values]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} or {words[-1]}"
