"""
Nodes that fetch another flow, or choose between branches.

The rule this file keeps: facts only. A pivot that succeeds replaces its node, so that its
children are for its failure alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Protocol

from reception.callflow.compiled import Schema
from reception.callflow.facts import (
    Bounds,
    ClientUrl,
    Default,
    Drawn,
    Key,
    Length,
    Only,
    Part,
    Pattern,
    Platform,
    Required,
    Unknown,
)
from reception.callflow.node import ANY, Ends, Keys, Node


class Renders(Protocol):
    """A whole flow (`reception.callflow.Flow`)."""

    def render(self) -> bytes:
        """The flow as JSON."""
        ...

    def to_plain(self) -> dict[str, Any]:
        """The flow as a mapping."""
        ...


def _request_headers(_: Platform) -> Schema:
    """Values of headers whose names start with ``X-`` must be text; others are not looked at."""
    return {"type": "object", "patternProperties": {"^[x|X]-": {"type": "string"}}}


class Serverless(Part, frozen=True):
    """A flow that is run in place of a request: its text or object, and its type."""

    flow_doc: Annotated[Annotated[str, Length(1)] | Mapping[str, Any], Required()]
    flow_type: Annotated[Literal["application/json", "application/xml", "text/xml"], Required()]


class Pivot(Node, frozen=True):
    """
    Ask a web server for the flow that comes next.

    Children: ``_`` when the request failed. Success replaces this node; its children are
    gone then. A reply of 200 that the platform rejects takes no child at all: the caller
    hears silence.
    Ends: on success, as far as this flow goes.

    Shape:
        url: http or https, in lower case; the platform refuses localhost, 127.0.0.1 and
            0.0.0.0.
        cdr_url: sent a report only where no reply took the call over.
        custom_request_headers: names that start with ``X-``, values text; version 5 only.
        serverless: a flow in place of `url`; version 5 only.
        next: of ``flow.pivot`` alone, in place of `url`: a handler of the same application
            (`App.state`); its signed URL is written in when the flow is sent.
        debug: stores bodies, which may hold what a guest said, in the account's database.

    Units:
        ``req_timeout_ms`` ms, at most 5,000.

    Surprises:
        Without them the platform takes GET and a form. So `method`, `req_format`,
        `req_body_format` (POST, kazoo, JSON) and `req_timeout_ms` (4,000) are always sent.

    Source:
        kazoo cf_pivot; run: traces 50 to 62, wire/validate 47 to 73.
    """

    module: ClassVar[str] = "pivot"
    ends: ClassVar[Ends] = "on success"
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("serverless",), ("voice_url",))

    url: Annotated[
        str | None,
        Key("voice_url"),
        Length(7, only=5),
        Pattern("^https?://"),
        ClientUrl(),
        Required(only=4),
    ] = None
    method: Annotated[Literal["get", "post", "GET", "POST"], Default("get")] = "post"
    req_format: Annotated[Literal["kazoo", "twiml"], Default("kazoo")] = "kazoo"
    req_body_format: Annotated[Literal["form", "json"], Default("form")] = "json"
    req_timeout_ms: Annotated[int, Bounds(most=5000)] = 4000
    cdr_url: Annotated[str | None, Length(7, only=5), Pattern("^https?://")] = None
    custom_request_headers: Annotated[
        Mapping[str, str] | None, Drawn(_request_headers), Only(5)
    ] = None
    debug: Annotated[bool | None, Default(False)] = None
    serverless: Annotated[Serverless | Mapping[str, Any] | None, Only(5)] = None


class Callflow(Node, frozen=True):
    """
    Run a stored callflow, then go on here.

    Children: ``_``, when the other flow has stopped, and when it was not found.
    Ends: never by itself; 51 such branches in one call end it.

    Shape:
        id: of the stored callflow. Or, on version 5: `flow`, a whole flow in place; or
            `doc_id` with `path`, a flow inside a stored document. Exactly one of the three.

    Surprises:
        Version 4 knows `id` only and ignores the rest.

    Source:
        kazoo cf_callflow; run: trace 125.
    """

    module: ClassVar[str] = "callflow"
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("id",), ("doc_id", "path"), ("flow",))

    id: str | None = None
    flow: Annotated[Renders | Mapping[str, Any] | None, Only(5)] = None
    doc_id: Annotated[str | None, Only(5)] = None
    path: Annotated[str | Sequence[str] | None, Only(5)] = None


class Function(Node, frozen=True):
    """
    Run a stored function of the platform that returns a flow.

    Children: ``_``, after the returned flow has stopped, and when the function failed.

    Source:
        kazoo cf_function.
    """

    module: ClassVar[str] = "function"

    id: str


class BranchBnumber(Node, frozen=True):
    """
    Branch on the part of the dialled number that the stored callflow's pattern captured.

    Children: the captured text, else ``_``; with `hunt` another callflow.

    Surprises:
        Behind a pivot there is a captured text only when the stored callflow had a pattern
        with a group.

    Source:
        kazoo cf_branch_bnumber.
    """

    module: ClassVar[str] = "branch_bnumber"
    takes: ClassVar[Keys] = ANY

    hunt: Annotated[bool | None, Default(False)] = None
    hunt_allow: str | None = None
    hunt_deny: str | None = None


class BranchVariable(Node, frozen=True):
    """
    Branch on the value of a variable of the call or a field of a stored document.

    Children: the value, if such a child is there, else ``_``.

    Shape:
        variable: the name; on version 5 also a list of names, the way into a document.
        scope: where to look (platform: ``custom_channel_vars``); ``doc``: version 5 only.
        id: of the document for that; version 5 only.

    Surprises:
        It does not see what `set_variables` has set.

    Source:
        kazoo cf_branch_variable.
    """

    module: ClassVar[str] = "branch_variable"
    takes: ClassVar[Keys] = ANY

    variable: Annotated[
        Annotated[str, Default("")] | Annotated[Sequence[str], Only(5)],
        Required(),
    ]
    scope: Annotated[
        Literal["account", "custom_channel_vars", "device", "merged", "user", "doc"] | None,
        Default("custom_channel_vars"),
        Unknown("doc", to=4),
    ] = None
    id: Annotated[str | None, Only(5)] = None


class TemporalRoute(Node, frozen=True):
    """
    Branch on the time of day, by stored rules.

    Children: the id of the rule that holds, or ``rule_set``; ``_`` when none does. Every key
    but ``_`` is taken for the id of a rule.

    Shape:
        rules, rule_set: stored rules, or a stored set of them.
        action: lets the caller switch rules by key (``menu``, ``enable`` …); goes to ``_``.
        timezone: a name such as ``Europe/Berlin``.

    Source:
        kazoo cf_temporal_route.
    """

    module: ClassVar[str] = "temporal_route"
    takes: ClassVar[Keys] = ANY

    rules: Annotated[Sequence[str] | None, Default([])] = None
    rule_set: str | None = None
    timezone: str | None = None
    action: Literal["menu", "enable", "disable", "reset"] | None = None
    interdigit_timeout: int | None = None
