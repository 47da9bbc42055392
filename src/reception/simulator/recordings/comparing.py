"""
Our run of a recording against the platform's: the first difference.

The processes of the platform run at the same time, so rows of different kinds of the same
moment may stand in either order. Compared are therefore the streams: what the executor
did, which nodes ran, what was sent, what was told, what was heard, what was asked of the
app. Within a stream the order counts and every field, and for each row the time, within
the jitter of the recordings. What takes its turn through the executor, nodes, keys,
requests, verdicts and the end, has one order over all streams as well.

Source: contract/traces, `how_to_read` of its index ("compare with +-150 ms and order").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from reception.simulator.rows import Row

JITTER_MS: Final = 150

_STREAMS: Final[Mapping[str, str]] = {
    "node": "the nodes",
    "exe": "the executor",
    "command": "the commands",
    "media": "what is heard",
    "event": "the events",
    "pivot_request_published": "the requests published",
    "http_request": "the requests",
    "http_response": "the replies",
    "pivot_verdict": "the verdicts",
    "offnet_request": "the carriers' requests",
    "offnet_response": "the carriers' answers",
    "executor_exit": "the end of the executor",
    "observation_end": "the end of the observation",
}
_IN_TURN: Final = frozenset(("node", "exe", "http_request", "pivot_verdict", "executor_exit"))


@dataclass(frozen=True, slots=True)
class Difference:
    """
    Where two runs part.

    Shape:
        stream: what kind of row.
        number: which of them, from 1.
        expected, found: the rows; None where one run has no more.
        why: a few words.
    """

    stream: str
    number: int
    expected: Row | None
    found: Row | None
    why: str

    @property
    def at_ms(self) -> int:
        """When it happened, in the run that came first to it."""
        rows = [row for row in (self.expected, self.found) if row is not None]
        return min(int(row.get("ms", 0)) for row in rows)


def first_difference(
    expected: Sequence[Row], found: Sequence[Row], *, jitter_ms: int = JITTER_MS
) -> Difference | None:
    """
    Find the earliest difference between a recording and a run; None where they agree.

    >>> one = [{"ms": 5, "ev": "node", "module": "play"}]
    >>> first_difference(one, [{"ms": 20, "ev": "node", "module": "play"}]) is None
    True
    >>> first_difference(one, []).why
    'it is missing'
    """
    kinds = dict.fromkeys([*_STREAMS, *(str(row.get("ev")) for row in (*expected, *found))])
    differences = [
        difference
        for kind in kinds
        if (difference := _in_stream(kind, expected, found, jitter_ms)) is not None
    ]
    if not differences:
        return _in_turn(expected, found)
    return min(differences, key=lambda each: each.at_ms)


def _in_turn(expected: Sequence[Row], found: Sequence[Row]) -> Difference | None:
    """Compare the order of two runs whose streams agree."""
    theirs = [row for row in expected if row.get("ev") in _IN_TURN]
    ours = [row for row in found if row.get("ev") in _IN_TURN]
    for number, (their, our) in enumerate(zip(theirs, ours, strict=True), 1):
        if their["ev"] != our["ev"]:
            return Difference("the call's course", number, their, our, "in another order")
    return None


def _in_stream(
    kind: str, expected: Sequence[Row], found: Sequence[Row], jitter_ms: int
) -> Difference | None:
    theirs = [row for row in expected if row.get("ev") == kind]
    ours = [row for row in found if row.get("ev") == kind]
    for number, (their, our) in enumerate(zip_longest(theirs, ours), 1):
        why = _why(their, our, jitter_ms)
        if why:
            return Difference(_STREAMS.get(kind, kind), number, their, our, why)
    return None


def _why(their: Row | None, our: Row | None, jitter_ms: int) -> str:
    """Say how two rows differ; empty where they do not."""
    if their is None:
        return "it is not in the recording"
    if our is None:
        return "it is missing"
    keys = [key for key in {**their, **our} if key != "ms"]
    wrong = [key for key in keys if not _same(key, their, our)]
    if wrong:
        return f"other {', '.join(wrong)}"
    away_ms = int(our["ms"]) - int(their["ms"])
    if abs(away_ms) > jitter_ms:
        return f"{abs(away_ms)} ms too {'late' if away_ms > 0 else 'early'}"
    return ""


def _same(key: str, their: Row, our: Row) -> bool:
    return key in their and key in our and _equal(their[key], our[key])


def _equal(their: Any, our: Any) -> bool:
    """Compare two JSON values; true is not 1."""
    if isinstance(their, bool) != isinstance(our, bool):
        return False
    if isinstance(their, Mapping) and isinstance(our, Mapping):
        return their.keys() == our.keys() and all(_equal(their[key], our[key]) for key in their)
    if isinstance(their, list | tuple) and isinstance(our, list | tuple):
        return len(their) == len(our) and all(map(_equal, their, our))
    return bool(their == our)
