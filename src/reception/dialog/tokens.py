"""
What is left in the platform's bucket of tokens, as far as we can know.

The platform launches a node for 5 tokens out of 100, gives 10 back at each full second after
the call's first node, and hangs up without a word when they are gone. The rule this file
keeps: the model never has more than the bucket. It sees our replies only, so it starts with
what our own pivot left, and what may have run before it stays in reserve.

Source: contract/dialogs.md §1, traces 70 to 77.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from reception.callflow import Flow
from reception.callflow.longest import longest_ways
from reception.errors import AppError

CAPACITY: Final = 100
PER_NODE: Final = 5
PER_SECOND: Final = 10
RESERVE: Final = 20
"""For nodes of the stored callflow before our first pivot, which nobody tells us of."""

LONGEST_SLEEP_S: Final = 8
"""A longer silence is a worse answer than the fallback."""


class Cost(msgspec.Struct, frozen=True, gc=False):
    """
    What a reply may launch on its longest way.

    Shape:
        at_most: nodes, with the fallback behind the pivot.
        until_pivot: nodes up to and with the pivot that brings the call back.
    """

    at_most: int
    until_pivot: int


class Room(msgspec.Struct, frozen=True, gc=False):
    """
    What makes a reply fit.

    Shape:
        hold_back_s: whole seconds to wait before it is sent.
        sleep_s: length of a `sleep` node to put in front of it; 0 for none.
    """

    hold_back_s: int = 0
    sleep_s: int = 0


_ROOM_ENOUGH: Final = Room()


class Bucket(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """
    The tokens of one call.

    Shape:
        left: tokens at `paid_s` full seconds after `began_ms`.
        began_ms: when our first pivot of the call arrived, Unix milliseconds.
    """

    left: int
    began_ms: int
    paid_s: int = 0

    @classmethod
    def opened(cls, now_ms: int) -> Bucket:
        """The bucket when the first pivot has just arrived."""
        return cls(CAPACITY - PER_NODE, now_ms)

    @classmethod
    def decode(cls, data: bytes | None, now_ms: int) -> Bucket:
        """Read what `encode` wrote; a new bucket where there is nothing."""
        return _decode(data) if data else cls.opened(now_ms)

    def encode(self) -> bytes:
        """The bytes that a store keeps."""
        return _encode(self)

    def at(self, now_ms: int) -> Bucket:
        """The bucket at a later time; a clock that went back gives nothing."""
        passed_s = (now_ms - self.began_ms) // 1000
        if passed_s <= self.paid_s:
            return self
        left = min(CAPACITY, self.left + PER_SECOND * (passed_s - self.paid_s))
        return Bucket(left, self.began_ms, passed_s)

    def spent(self, nodes: int) -> Bucket:
        """The bucket after so many nodes."""
        return Bucket(max(0, self.left - PER_NODE * nodes), self.began_ms, self.paid_s)

    def room_for(self, cost: Cost, *, patience_s: float) -> Room:
        """
        Tell what makes a reply fit.

        Args:
            patience_s: how long the reply may be held back.

        Errors:
            AppError("dialog.too_many_nodes"): nothing does.
        """
        need = PER_NODE * cost.at_most
        have = self.left - RESERVE
        if need <= have:
            return _ROOM_ENOUGH
        wait_s = math.ceil((need - have) / PER_SECOND)
        if need <= CAPACITY - RESERVE:
            if wait_s <= patience_s:
                return Room(hold_back_s=wait_s)
            # The sleep is a node too, and it is launched from what is there now.
            sleep_s = math.ceil((need + PER_NODE - have) / PER_SECOND)
            fits = need <= CAPACITY - RESERVE and self.left >= PER_NODE
            if fits and sleep_s <= LONGEST_SLEEP_S:
                return Room(sleep_s=sleep_s)
        raise AppError(
            "dialog.too_many_nodes",
            f"This reply may run {cost.at_most} nodes (its fallback among them), and the platform"
            f" hangs up a call after {CAPACITY // PER_NODE} nodes in a burst, of which"
            f" {RESERVE // PER_NODE} are kept in reserve: send fewer prompts at once, or a"
            " shorter fallback",
        )


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Bucket).decode


def cost_of(flow: Flow) -> Cost:
    """Count the nodes on the longest way through a reply."""
    return Cost(*longest_ways(flow))
