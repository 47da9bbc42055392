"""
How a worker collects garbage: seldom, because an answer leaves none behind.

What a request makes is freed when its last name goes; only an application's own cycles need
the collector. The records that live longer can be in no cycle and say ``gc=False``, so that they
are not looked at either. With Python's own thresholds it walks the journals of recent calls again and
again and finds nothing: a fifth of a worker's time, and pauses of tens of milliseconds
(measured, docs/performance.md).
"""

from __future__ import annotations

import gc
from typing import Final

# Objects, then collections of the younger generation. An object takes about a microsecond to look
# at, so that these pauses stay below some 5, 20 and, seldom, 100 ms.
_YOUNG: Final = 5_000
_MIDDLE: Final = 4
_OLD: Final = 25


def collect_seldom() -> None:
    """Call it once everything is loaded: what there is until then is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
