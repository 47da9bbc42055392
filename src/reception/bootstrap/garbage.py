"""
How a worker collects garbage: seldom, because an answer leaves none behind.

What a request makes is freed when its last name goes; only an application's own cycles need
the collector. With Python's own thresholds it walks the journals of recent calls again and
again and finds nothing: a fifth of a worker's time, and pauses of tens of milliseconds
(measured, docs/performance.md).
"""

from __future__ import annotations

import gc
from typing import Final

# Objects, then collections of the younger generation.
_YOUNG: Final = 10_000
_MIDDLE: Final = 10
_OLD: Final = 20


def collect_seldom() -> None:
    """Call it once everything is loaded: what there is until then is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
