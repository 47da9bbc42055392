"""
Values of a flow, read as the platform reads them.

A flow may hold anything where nobody checked it, and much where the platform did.
"""

from __future__ import annotations

from typing import Final

# The platform's schemas leave most numbers without an upper bound. Counted in seconds this
# is thirty years: beyond it nothing changes for a call, and Python can still print it.
_LARGEST_NUMBER: Final = 1_000_000_000


def is_true(value: object) -> bool:
    """Read a truth as the platform does: also where it is written as a word."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def whole_number(value: object, default: int) -> int:
    """
    Read a whole number that a flow may hold; one beyond a thousand million counts as that.

    >>> whole_number("5", 20), whole_number(10**400, 20)
    (20, 1000000000)
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return default
    return max(-_LARGEST_NUMBER, min(_LARGEST_NUMBER, value))
