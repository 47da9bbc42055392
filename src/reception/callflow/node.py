"""
What every node of a callflow has in common.

The rule this file keeps: a node is a frozen value with one field for each data key of its
module, and class variables for what the module does: which children it can continue to,
when it ends the flow, whether it answers the call. Nothing here knows a single module, and
nothing here checks a value.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, Literal

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


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """
    One step of a callflow.

    Fields that are None are not sent, so that the platform's own default holds. A field
    without a default is always sent, also as None: leaving it out is a fault of ours, and
    the check says so.
    """

    module: ClassVar[str]
    versions: ClassVar[frozenset[Platform]] = frozenset({4, 5})
    takes: ClassVar[Keys] = ONLY_DEFAULT
    ends: ClassVar[Ends] = "never"
    answers: ClassVar[bool] = False
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = ()

    skip_module: bool | None = None

    def as_data(self) -> dict[str, Any]:
        """The node's data under the platform's keys; values are as they were given."""
        plan = _PLANS.get(type(self)) or _plan(type(self))
        mandatory, optional, spread = plan
        data: dict[str, Any] = {key: getattr(self, name) for name, key in mandatory}
        for name, key in optional:
            value = getattr(self, name)
            if value is not None:
                data[key] = value
        for name in spread:
            values = data.pop(name, None)
            if values:
                data = {**values, **data}
        return data


_Plan = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], tuple[str, ...]]
_PLANS: Final[dict[type[Node], _Plan]] = {}


def _plan(node: type[Node]) -> _Plan:
    """Which fields are sent always, which only when given, which are spread over the data."""
    keys = keys_of(node)
    without = len(node.__struct_fields__) - len(node.__struct_defaults__)
    mandatory = {
        name
        for name, default in zip(
            node.__struct_fields__[without:], node.__struct_defaults__, strict=True
        )
        if default is msgspec.NODEFAULT
    } | set(node.__struct_fields__[:without])
    spread = tuple(
        name
        for name, hint in hints_of(node).items()
        if SPREAD in getattr(hint, "__metadata__", ())
    )
    pairs = tuple(keys.items())
    plan = (
        tuple(pair for pair in pairs if pair[0] in mandatory),
        tuple(pair for pair in pairs if pair[0] not in mandatory),
        spread,
    )
    _PLANS[node] = plan
    return plan
