"""
The nodes of the reply language, one class for each module of the platform, by theme.

The rule these files keep: facts only. What a class says (types, bounds, defaults, children)
is what the platform's own schemas and code say, and a test compares the two. What a node is
wise for belongs to lint; how it is checked, to `compiled`.

`THEMES` is the one list of these files.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from reception.callflow.nodes import (
    caller_id,
    carriers,
    conferencing,
    features,
    joining,
    keypad,
    leaving,
    messages,
    ringing,
    routing,
    sounds,
    variables,
)

THEMES: Final[tuple[ModuleType, ...]] = (
    caller_id,
    carriers,
    conferencing,
    features,
    joining,
    keypad,
    leaving,
    messages,
    ringing,
    routing,
    sounds,
    variables,
)
