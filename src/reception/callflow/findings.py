"""
What checking a flow can say: rejections, warnings, and both together.

The rule this file keeps: a finding is a plain value that is safe to show. It names a
place by its JSON path, a rule or code that never changes its meaning, and a sentence that
says what to do. How findings are found stands elsewhere.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring_ascii
from typing import Final

import msgspec

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Rejection(msgspec.Struct, frozen=True):
    """
    One thing for which the platform rejects the whole flow.

    Shape:
        path: JSON path of the place, like ``$.children._.data.id``; a missing property is
            reported at the object that lacks it.
        rule: the rule that is broken: a keyword of the platform's schemas (``type``,
            ``enum``, ``required`` …), ``json``, ``unknown_module`` or ``client_url``.
        message: what is wrong and what to write instead, one sentence or two.
    """

    path: str
    rule: str
    message: str


class Warning_(msgspec.Struct, frozen=True):
    """
    One thing that the platform accepts and that will not do what its author meant.

    Shape:
        path: JSON path of the place, as in `Rejection`.
        code: stable code ``RC1xx``; each has a page in the documentation.
        message: what will happen and how to mend it.
    """

    path: str
    code: str
    message: str


class Findings(msgspec.Struct, frozen=True):
    """Everything that is to be said about one flow; `valid` when nothing rejects it."""

    errors: tuple[Rejection, ...] = ()
    warnings: tuple[Warning_, ...] = ()

    @property
    def valid(self) -> bool:
        """The platform accepts the flow (warnings do not count)."""
        return not self.errors


def key_step(key: str) -> str:
    """
    Write one step of a JSON path: ``.data``, or ``["sip:486"]`` for a key that is no name.

    >>> key_step("data") + key_step("X-Prop")
    '.data["X-Prop"]'
    """
    if _PLAIN_KEY.fullmatch(key):
        return f".{key}"
    return f"[{encode_basestring_ascii(key)}]"
