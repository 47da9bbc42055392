"""
The platform's callflow executor: which node runs after which.

The rules are few, and each is a branch of `_follow` below: a missing child becomes `_`, a
missing `_` stops the flow, a stopped flow gives way to the flow stacked under it, and the
last one hangs the caller up. A Pivot reply replaces the node that asked for it and keeps
the stack. Every launch costs tokens. What a single module does stands in `modules/`;
nothing about HTTP or digits belongs here.

Source: contract/modules.md, engine rules 1 to 16; contract/traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from reception.callflow.spec import SPECS
from reception.simulator.call import CallState
from reception.simulator.clock import Clock
from reception.simulator.modules import MODULES
from reception.simulator.steps import (
    Branch,
    Continue,
    Enter,
    HardStop,
    Next,
    Node,
    Outcome,
    Replace,
    Step,
    Stop,
    Transport,
)
from reception.simulator.transcript import Entry, Kind, Note, printable
from reception.simulator.world import World

_NO_NODE: Final[Node] = {}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended, and when."""

    outcome: Outcome
    at_ms: int


class Walk:
    """Runs one call's flows from the first node to the end of the call."""

    def __init__(
        self,
        call: CallState,
        *,
        clock: Clock,
        world: World,
        transport: Transport,
        note: Note,
        local_urls_ok: bool = False,
    ) -> None:
        self._call = call
        self._clock = clock
        self._world = world
        self._transport = transport
        self._note = note
        self._local_urls_ok = local_urls_ok
        self._situations = count(1)

    async def run(self, flow: Node) -> Ending:
        """
        Run a flow as the platform would run a stored one: unchecked, without defaults.

        Never raises for anything a flow or a server may hold; ends when the call ends.
        """
        node: Node = flow
        while True:
            after = await self._launch(node)
            followed = self._follow(node, after)
            if isinstance(followed, Outcome):
                return Ending(followed, self._clock.now_ms)
            node = followed

    async def _launch(self, node: Node) -> Next:
        """Pay for the node and run it."""
        if self._call.destroyed:
            # Only a carrier cancelled by the caller's hang-up gets here (trace 161): the
            # platform enters the node, and nothing comes of it.
            return HardStop(Outcome.CALLER_HUNG_UP)
        if not self._call.bucket.take(self._clock.now_ms):
            self._say(
                Kind.WARNS,
                "the call's token bucket is dry (20 nodes in a burst, 10 tokens come back"
                " each second, 5 a node): the platform hangs up without a word",
            )
            return Stop(Outcome.RAN_DRY)
        module = node.get("module")
        if not isinstance(module, str):
            return Stop()
        data = node.get("data")
        data = data if isinstance(data, Mapping) else {}
        if data.get("skip_module") is True:
            self._say(Kind.NODE, f"{module}: skipped (skip_module)", module=module, skipped=True)
            return Continue()
        if module not in SPECS:
            self._say(Kind.NODE, f"{module}: no such module, skipped", module=module, skipped=True)
            return Continue()
        self._say(
            Kind.NODE,
            module,
            module=module,
            data=data,
            collections=dict(self._call.collections or {}),
        )
        run = MODULES.get(module)
        if run is None:
            return self._not_simulated(module)
        return await run(self._step(module, data, node))

    def _step(self, module: str, data: Node, node: Node) -> Step:
        return Step(
            module=module,
            data=data,
            children=_children(node),
            call=self._call,
            clock=self._clock,
            world=self._world,
            transport=self._transport,
            note=self._note,
            count=lambda: next(self._situations),
            local_urls_ok=self._local_urls_ok,
        )

    def _not_simulated(self, module: str) -> Next:
        """Say plainly that the phone cannot do this, and take the likeliest way on."""
        if SPECS[module].ends == "always":
            self._say(
                Kind.UNKNOWN,
                f"{module}: not simulated here. It never goes on to a child: ended the call",
                module=module,
            )
            return HardStop(Outcome.TAKEN_OVER)
        self._say(Kind.UNKNOWN, f"{module}: not simulated here: went on to `_`", module=module)
        return Continue()

    def _follow(self, node: Node, after: Next) -> Node | Outcome:
        """Apply the engine's rules to what a module said."""
        match after:
            case HardStop(outcome):
                return outcome
            case Stop(outcome):
                return self._stopped(outcome)
            case Enter(child) | Replace(child):
                return child
            case Branch(flow):
                return self._branched(node, flow)
            case Continue(key, otherwise):
                if self._call.destroyed:
                    return Outcome.CALLER_HUNG_UP
                children = _children(node)
                # An empty child counts here: it is entered, and stops (rule 3).
                found = children[key] if key in children else children.get("_")
                return self._stopped(otherwise) if found is None else found

    def _branched(self, node: Node, flow: Node) -> Node | Outcome:
        if self._call.branches_left <= 0:
            self._say(Kind.WARNS, "more than 50 branches in one call: the platform hangs up")
            return Outcome.TOO_MANY_BRANCHES
        self._call.branches_left -= 1
        stacked = _children(node).get("_")
        if stacked is not None:
            self._call.stack.append(stacked)
        return flow

    def _stopped(self, outcome: Outcome) -> Node | Outcome:
        if self._call.destroyed:
            return Outcome.CALLER_HUNG_UP
        if self._call.stack:
            return self._call.stack.pop()
        return outcome

    def _say(self, kind: Kind, text: str, **detail: Any) -> None:
        self._note(Entry(self._clock.now_ms, kind, printable(text), detail))


def _children(node: Node) -> Mapping[str, Node]:
    """Read the children that are objects; a flow the platform accepted has no others."""
    children = node.get("children")
    if not isinstance(children, Mapping):
        return _NO_NODE
    return {key: child for key, child in children.items() if isinstance(child, Mapping)}
