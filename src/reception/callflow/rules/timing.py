"""
How long a node holds the call, and whether the platform's token bucket lasts.

The bucket is the call's: 100 tokens, 5 for every node that is started or skipped, 10 back
at each full second after the first node. Dry means hang-up without a word. So exactly 20
nodes run in a burst.

Times are the shortest that a caller would ordinarily meet, as far as they are known from
the flow itself; a module of unknown length counts as instant, except where it waits for a
human. No rule here may guess a time that makes a harmless flow look bad: what plays media
or rings is taken to do so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reception.callflow.rules.rule import Found, Subject, skipped
from reception.callflow.tree import Place

_BUCKET: Final = 100
_NODE: Final = 5
_REFILL: Final = 10
_NODES_IN_A_BURST: Final = _BUCKET // _NODE

_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_CHARACTERS_PER_SECOND: Final = 20  # a fast voice; ordinary speech has about 15
_RINGING: Final = frozenset({"device", "group", "offnet", "resources", "ring_group", "user"})
_RINGING_S: Final = 20
_HUMAN_MS: Final = {
    "acdc_member": 1_000,
    "audio_macro": 1_000,
    "callflow": 1_000,
    "dead_air": 1_000,
    "directory": 1_000,
    "disa": 1_000,
    "doorman": 1_000,
    "dynamic_cid": 1_000,
    "function": 1_000,
    "hotdesk": 1_000,
    "intercom": 1_000,
    "menu": 1_000,
    "park": 1_000,
    "play": 1_000,
    "privacy": 1_000,
    "record_caller": 1_000,
    "route_to_cid": 1_000,
    "send_dtmf": 1_000,
    "tones": 1_000,
    "voicemail": 3_000,
}
_DRAIN_MS: Final = 100
"""A collection that waits less than this is there to drop keys, not to ask for some."""


def pause_ms(place: Place, key: str = "_") -> int:
    """
    Tell how long the node holds the call before it goes on under `key`, in milliseconds.

    0 for nodes that do their work at once, and for the branches that a bridge takes when
    it fails at once (USER_BUSY and the like).
    """
    if skipped(place):
        return 0
    module = place.module
    if module == "sleep":
        return sleep_ms(place)
    if module == "tts":
        text = place.text("text") or ""
        return len(text) * 1_000 // _CHARACTERS_PER_SECOND
    if module == "play" and not place.text("id"):
        return 0  # no media: the platform passes over it
    if module == "collect_dtmf":
        timeout = place.number("timeout")
        return 5_000 if timeout is None else max(timeout, 0)
    if module == "fax_detect":
        return max(place.number("duration") or 5, 0) * 1_000
    if module in _RINGING:
        return _ringing_ms(place) if key in {"_", "NO_ANSWER"} else 0
    return _HUMAN_MS.get(module, 0)


def sleep_ms(place: Place) -> int:
    """The length of a `sleep` node in milliseconds; an unknown unit counts as seconds."""
    duration = place.number("duration") or 0
    return max(duration, 0) * _UNIT_MS.get(place.text("unit") or "s", 1_000)


def is_drain(place: Place) -> bool:
    """Tell whether a `collect_dtmf` is there to throw waiting keys away."""
    timeout = place.number("timeout")
    return place.module == "collect_dtmf" and timeout is not None and timeout < _DRAIN_MS


def is_instant(place: Place) -> bool:
    """Tell whether a caller notices nothing of this node: no prompt, no wait, no bridge."""
    if place.module == "pivot" or (place.module in _RINGING and not skipped(place)):
        return False
    return pause_ms(place) < _DRAIN_MS


def _ringing_ms(place: Place) -> int:
    timeout = place.number("timeout")
    return _RINGING_S * 1_000 if timeout is None else max(timeout, 0) * 1_000


def burst(subject: Subject) -> Iterator[Found]:
    """Find, on every path, the first node that gets no token any more."""
    # Per node: tokens left after it started (None where an earlier one found the bucket
    # dry), the time at which it started, and the nodes since the root.
    state: list[tuple[int | None, int]] = []
    for place in subject.tree.places:
        tokens, started_ms = _BUCKET, 0
        if place.parent is not None:
            before, parent_ms = state[place.parent.index]
            if before is None:
                state.append((None, 0))
                continue
            started_ms = parent_ms + pause_ms(place.parent, place.key or "_")
            ticks = started_ms // 1_000 - parent_ms // 1_000
            tokens = min(_BUCKET, before + _REFILL * ticks)
        if tokens >= _NODE:
            state.append((tokens - _NODE, started_ms))
            continue
        state.append((None, 0))
        yield (
            place.path(),
            f"Node {place.depth} of this path finds the call's token bucket empty: the platform "
            f"runs {_NODES_IN_A_BURST} nodes in a burst, gets tokens for two more each second, "
            "and hangs up without a word when there is none. Use fewer nodes, or let time pass "
            "before this one (a prompt, a sleep).",
        )
