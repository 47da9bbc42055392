"""
What every node of a callflow has in common.

The rule this file keeps: a node is a frozen value with one field for each data key of its
module, and class variables for what the module does: which children it can continue to,
when it ends the flow, whether it answers the call. Nothing here knows a single module, and
nothing here checks a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, NamedTuple

import msgspec

from reception.callflow.facts import Platform, hints_of, keys_of

Ends = Literal["never", "always", "on success"]


class Keys(msgspec.Struct, frozen=True):
    """
    The children that a module can continue to.

    Shape:
        default: whether it ever takes ``_``.
        names: the other keys by name.
        pattern: a pattern of further keys, matched against the whole key.
    """

    default: bool = True
    names: frozenset[str] = frozenset()
    pattern: str | None = None

    def take(self, key: str) -> bool:
        """Whether the module can continue to the child `key`."""
        if key == "_":
            return self.default
        if key in self.names:
            return True
        return self.pattern is not None and re.fullmatch(self.pattern, key, re.DOTALL) is not None


NONE: Final = Keys(default=False)
"""No child is ever run."""

ONLY_DEFAULT: Final = Keys()
"""``_`` and nothing else."""

_FAILURE: Final = r"[A-Z][A-Z0-9_]*|sip:[1-6][0-9]{2}"

FAILURES: Final = Keys(pattern=_FAILURE)
"""Why a bridge failed, as ``USER_BUSY`` or ``sip:486``; ``_`` when no such child is there."""

FAILURES_WITHOUT_DEFAULT: Final = Keys(default=False, pattern=_FAILURE)
"""The same, but ``_`` is never taken."""

ANY: Final = Keys(pattern=r".*")
"""Whatever the module found (digits, a value, a number); ``_`` when no such child is there."""

SPREAD: Final = "spread"
"""Mark of a field whose mapping *is* the data, for a module with keys of the author's own."""


class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    One step of a callflow: what it may carry, and what its module does.

    A field that is None is not sent, so that the platform's own default holds, or ours where
    the class has one. A field without a default must be given.

    Shape:
        module, versions, takes, ends, answers: as in `ModuleSpec`.
        exactly_one: sets of data keys of which version 5 wants exactly one to be there.
        unlisted: fields that the platform's schema does not name, and so does not check.
        skip_module: true has the platform skip the node and go on to ``_``.
    """

    module: ClassVar[str]
    versions: ClassVar[frozenset[Platform]] = frozenset({4, 5})
    takes: ClassVar[Keys] = ONLY_DEFAULT
    ends: ClassVar[Ends] = "never"
    answers: ClassVar[bool] = False
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = ()
    unlisted: ClassVar[frozenset[str]] = frozenset()

    skip_module: bool | None = None


class Sending(NamedTuple):
    """
    How the fields of a node become data.

    Shape:
        keys: the data key of each field, in order, the positional ones first.
        always: what is sent whatever was given, in order: our own values, and None for
            fields that must be given.
        spread: a field whose mapping is the data itself.
    """

    keys: Mapping[str, str]
    always: Mapping[str, Any]
    spread: str | None


def sending_of(node: type[Node]) -> Sending:
    """Read off a node class what is sent."""
    keys = keys_of(node)
    always: dict[str, Any] = {}
    without = len(keys) - len(node.__struct_defaults__)
    defaults = (msgspec.NODEFAULT,) * without + node.__struct_defaults__
    for name, default in zip(node.__struct_fields__, defaults, strict=True):
        if default is msgspec.NODEFAULT:
            always[name] = None
        elif default is not None:
            always[name] = default
    spread = [
        name for name, hint in hints_of(node).items() if SPREAD in getattr(hint, "__metadata__", ())
    ]
    sent = {keys[name]: value for name, value in always.items()}
    return Sending(keys, sent, spread[0] if spread else None)
