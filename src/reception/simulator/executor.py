"""
The platform's callflow executor: which node runs after which, and who hears of what.

The rules are few, and each is a method below: a missing child becomes `_`, a missing `_`
stops the flow, a stopped flow gives way to the flow stacked under it, and the last one
hangs the caller up. A Pivot reply replaces the node that asked for it and keeps the
stack. Every launch costs tokens. Events of the call are passed on to the module at work,
if they come under the id by which the executor knows the call: a transfer changes the
channel's id, and a module that writes its old record back changes the executor's, after
which the call is deaf.

The rule: it launches modules and never knows what one does.

Source: contract/modules.md, engine rules 1 to 16; contract/dialogs.md; contract/traces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from reception.callflow.spec import SPECS
from reception.simulator.call import CallState
from reception.simulator.events import (
    BRIDGED,
    DIRECT,
    FAILED,
    OFFNET,
    PIVOTED,
    PROCESSING,
    REPLACED,
    TRANSFEREE,
    TRANSFEROR,
    USURPED,
    CallEvent,
)
from reception.simulator.nexts import (
    Branch,
    Continue,
    Gone,
    HardStop,
    Next,
    Node,
    Outcome,
    Replace,
    Stop,
    Transferred,
)
from reception.simulator.process import Crash, Process
from reception.simulator.rows import Rows
from reception.simulator.settings import Settings
from reception.simulator.switch import Switch
from reception.simulator.timeline import Timeline
from reception.simulator.tokens import PER_NODE, TokenBucket
from reception.simulator.transcript import Kind
from reception.simulator.values import is_true

Launch = Callable[[Process, str, Node, Node], None]
"""Starts the module of a node: process, module, its data, the node."""

_NO_NODE: Final[Node] = {}
# A transfer that comes without one concerns this very call.
_OWN_FETCH_ID: Final = None


class Executor:
    """
    Runs one call's flows.

    Attributes:
        call: the record of the call; modules get copies.
        outcome: how the call ended, once it has; None while the executor lives.
        process: the module at work, or the last one.
    """

    def __init__(
        self,
        call: CallState,
        *,
        timeline: Timeline,
        switch: Switch,
        settings: Settings,
        rows: Rows,
        launch: Launch,
        say: Callable[..., None],
    ) -> None:
        self.call = call
        self.outcome: Outcome | None = None
        self.process: Process | None = None
        self.flow: Node = _NO_NODE
        self._timeline: Final = timeline
        self._switch: Final = switch
        self._settings: Final = settings
        self._rows: Final = rows
        self._launch_module: Final = launch
        self._say: Final = say
        self._bucket: Final = TokenBucket()
        self._stack: Final[list[Node]] = []
        self._branches_left = settings.max_branches
        self._is_destroyed = False
        self._hears_id = call.call_id
        self._written: tuple[Any, ...] | None = None
        self._likely = Outcome.FLOW_ENDED

    @property
    def is_module_running(self) -> bool:
        """Is a module at work?"""
        return self.process is not None and self.process.is_alive

    # --- what a module asks -----------------------------------------------------------------------

    def attempt(self, key: str) -> bool:
        """Run a child that exists and is not empty; never `_` instead of it."""
        child = children_of(self.flow).get(key)
        self._row("attempt", key=key, child_exists=bool(child))
        if not child:
            return False
        self._launch(child)
        return True

    def child(self, key: str) -> Node | None:
        """Look for a child that exists and is not empty, without running it."""
        return children_of(self.flow).get(key) or None

    @property
    def child_keys(self) -> list[str]:
        """The keys of the present node's children, but for `_`."""
        return [key for key in children_of(self.flow) if key != "_"]

    def write_back(self, call: CallState) -> None:
        """Take a module's copy of the record for the record."""
        self.call = call.copied()
        seen = (call.collections, call.application_vars, call.call_id)
        if seen != self._written:
            self._written = seen
            self._row(
                "set_call",
                collections=dict(call.collections or {}),
                custom_application_vars=dict(call.application_vars),
                call_id=call.call_id,
            )

    def start(self, flow: Node) -> None:
        """Run a flow as a stored one: unchecked, without defaults."""
        self._timeline.soon(lambda: self._launch(flow))

    def said(self, after: Next) -> None:
        """A module has said what comes after it."""
        self._timeline.soon(lambda: self._follow(after))

    # --- what the call tells ----------------------------------------------------------------------

    def tell(self, event: CallEvent) -> None:
        """Take an event, after what was said before."""
        self._timeline.soon(lambda: self._hear(event))

    def _hear(self, event: CallEvent) -> None:
        if self.outcome is not None:
            return
        name = event.name
        # What is sent to the executor itself arrives whatever it listens to.
        if event.call_id != self._hears_id and name not in {PROCESSING, FAILED, OFFNET}:
            return
        if event.is_error:
            self._relay(event)
        elif name == TRANSFEREE:
            self._if_own(event, lambda: self._hand_over("transfer"))
        elif name == REPLACED:
            self._if_own(event, lambda: self._replaced(event))
        elif name == TRANSFEROR and self._settings.transferor_stops:
            self._if_own(event, lambda: self._follow(HardStop(Outcome.TAKEN_OVER)))
        elif name == DIRECT and self._settings.transferor_stops:
            self._follow(HardStop(Outcome.TAKEN_OVER))
        elif name == BRIDGED:
            self.write_back(self.call)
            self._relay(event)
        elif event.call_id != self.call.call_id and name != OFFNET:
            return
        elif event.ends_call:
            self._destroyed(event)
        elif name == PIVOTED:
            self._pivoted(event)
        elif name == USURPED:
            self._hand_over("control_usurped")
        else:
            self._relay(event)

    def _if_own(self, event: CallEvent, then: Callable[[], None]) -> None:
        """Do this if the event is about this call, and not about another leg of it."""
        variables = event.fields.get("Custom-Channel-Vars")
        fetch_id = variables.get("Fetch-ID") if isinstance(variables, Mapping) else _OWN_FETCH_ID
        if fetch_id == _OWN_FETCH_ID:
            then()

    def _relay(self, event: CallEvent) -> None:
        if self.process is not None:
            self.process.deliver(event)

    def _replaced(self, event: CallEvent) -> None:
        new_id = str(event.fields.get("Replaced-By"))
        self._row("callid_update", new_call_id=new_id)
        self._hears_id = new_id
        self.call.rename(new_id)
        self._say(Kind.SETS, f"the call is now {new_id}: it was transferred", call_id=new_id)
        self._relay(event)

    def _destroyed(self, event: CallEvent) -> None:
        self._row("channel_destroyed", module_running=self.is_module_running)
        self._is_destroyed = True
        if self.is_module_running:
            self._relay(event)
        else:
            self._terminate("normal", self._likely)

    def _pivoted(self, event: CallEvent) -> None:
        if self.process is not None:
            self.process.kill()
        self._switch.flush(self.call.call_id)
        flow = event.fields["flow"]
        self._timeline.soon(lambda: self._follow(Replace(flow)))

    def _hand_over(self, op: str) -> None:
        self._row(op)
        self._terminate(f"{{shutdown,{op}}}", Outcome.TAKEN_OVER)

    # --- what comes after a node ------------------------------------------------------------------

    def _follow(self, after: Next) -> None:
        if self.outcome is not None:
            return
        match after:
            case Gone(outcome):
                self._likely = outcome
            case Continue(key, otherwise):
                self._continue(key, otherwise)
            case Stop(outcome, cause):
                self._stop(outcome, cause)
            case HardStop(outcome):
                self._row("hard_stop")
                hangs_up = self._settings.hard_stop_hangs_up
                self._terminate("normal", outcome, hangs_up=hangs_up)
            case Replace(flow):
                stacked = len(self._stack)
                module = flow.get("module")
                self._row("continue_with_flow", root_module=module, stacked_flows=stacked)
                self._launch(flow)
            case Branch(flow):
                self._branch(flow)
            case Transferred():
                self._hand_over("transfer")

    def _continue(self, key: str, otherwise: Outcome) -> None:
        children = children_of(self.flow)
        # An empty child counts here: it is entered, and stops (rule 3).
        self._row("continue", key=key, child_exists=key in children)
        if self._is_destroyed:
            self._follow(HardStop(otherwise))
        elif key in children:
            self._launch(children[key])
        elif key != "_":
            self._continue("_", otherwise)
        else:
            self._stop(otherwise, None)

    def _stop(self, outcome: Outcome, cause: str | None) -> None:
        named = {} if cause is None else {"cause": cause}
        self._row("stop", **named, stacked_flows=len(self._stack))
        if self._is_destroyed:
            self._terminate("normal", outcome)
        elif self._stack:
            self._launch(self._stack.pop())
        elif cause is None:
            self._terminate("normal", outcome)
        else:
            # It stays until it hears that the channel is gone.
            self._likely = outcome
            self._switch.hang_up({"Hangup-Cause": cause}, self.call.call_id)

    def _branch(self, flow: Node) -> None:
        stacked = self.child("_")
        self._row(
            "branch",
            has_wildcard_to_stack=stacked is not None,
            branches_left_before=self._branches_left,
        )
        if self._branches_left <= 0:
            most = self._settings.max_branches
            self._say(Kind.WARNS, f"more than {most} branches in one call: the platform hangs up")
            self._terminate("normal", Outcome.TOO_MANY_BRANCHES)
            return
        self._branches_left -= 1
        if stacked is not None:
            self._stack.append(stacked)
        self._launch(flow)

    # --- launching --------------------------------------------------------------------------------

    def _launch(self, node: Node) -> None:
        """Pay for the node and run it."""
        self.flow = node
        if not node:
            self.said(Stop())
            return
        if not self._bucket.take(self._timeline.now_ms, _cost(node)):
            self._row("token_check_failed")
            self._say(
                Kind.WARNS,
                "the call's token bucket is dry (20 nodes in a burst, 10 tokens come back"
                " each second, 5 a node): the platform hangs up without a word",
            )
            self.said(Stop(Outcome.RAN_DRY))
            return
        module = node.get("module")
        data = node.get("data")
        data = data if isinstance(data, Mapping) else _NO_NODE
        if not isinstance(module, str):
            if self._settings.nameless_goes_on:
                self._skip("a node", "names no module, skipped")
            else:
                self.said(Stop())
        elif is_true(data.get("skip_module")):
            self._skip(module, "skipped (skip_module)")
        elif module not in SPECS:
            self._skip(module, "no such module, skipped")
        else:
            self._run(module, data, node)

    def _skip(self, module: str, why: str) -> None:
        self._say(Kind.NODE, f"{module}: {why}", module=module, skipped=True)
        # The module before it, if it still has something to say, is the past.
        self.process = None
        self.said(Continue())

    def _run(self, module: str, data: Node, node: Node) -> None:
        # Each node is entered by itself, so that a flow without a pause starves nobody.
        process = Process(self._timeline, ended=self._ended, crashed=self._crashed)
        self.process = process
        collections = dict(self.call.collections or {})
        self._rows.write(
            "node",
            module=module,
            data=data,
            collections=collections,
            call_id=self.call.call_id,
        )
        self._say(Kind.NODE, module, module=module, data=data, collections=collections)
        self._launch_module(process, module, data, node)

    def _ended(self, process: Process, after: Next | None) -> None:
        if after is not None and (process is self.process or not isinstance(after, Gone)):
            self.said(after)

    def _crashed(self, process: Process, crash: Crash) -> None:
        module = self.flow.get("module")
        self._row("module_crashed", module=module, **{"class": "error"}, reason=crash.reason)
        self._say(Kind.WARNS, f"{module} crashes on its data: on to `_`", module=module)
        self.said(Continue())

    # --- the end ----------------------------------------------------------------------------------

    def _terminate(self, reason: str, outcome: Outcome, *, hangs_up: bool = True) -> None:
        self._row("terminate", reason=reason)
        if self.process is not None:
            self.process.kill()
        self.outcome = outcome
        if reason == "normal" and hangs_up and not self._is_destroyed:
            self._switch.hang_up({}, self.call.call_id)
        self._rows.write("executor_exit", reason=reason)

    def _row(self, op: str, **fields: Any) -> None:
        self._rows.write("exe", op=op, **fields)


def _cost(node: Node) -> int:
    """What a node costs: an operator may have made a stored one dearer, never cheaper."""
    cost = node.get("pvt_bucket_cost")
    return max(PER_NODE, cost) if isinstance(cost, int) else PER_NODE


def children_of(node: Node) -> Mapping[str, Node]:
    """Read the children that are objects; a flow the platform accepted has no others."""
    children = node.get("children")
    if not isinstance(children, Mapping):
        return _NO_NODE
    return {key: child for key, child in children.items() if isinstance(child, Mapping)}
