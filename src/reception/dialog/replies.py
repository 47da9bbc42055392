"""
What the platform is sent when a dialog suspends: nodes, in the order that was measured.

The rule this file keeps: it writes sequences and decides nothing about the dialog. A reply is
`[tags] [erase] → prompts → [drain] → prompt → collect_dtmf → pivot → _ fallback`, on the
default branch only, in plain data; `flow.raw` checks it once more.

Source: contract/dialogs.md §1 to §3; traces 1, 2, 4, 31, 79, 172, 176.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reception.callflow import Flow
from reception.dialog.asking import Ask
from reception.dialog.catalogue import Catalogue
from reception.dialog.facts import Facts
from reception.dialog.prompts import Node, PromptLike, nodes_of, question, uninterrupted

DRAIN: Final = "rx"
"""The collection into which waiting keys are drained. Nobody ever reads it."""

_TIMEOUT_MS: Final = 4_000
_MARGIN_MS: Final = 500
_MOST_MS: Final = 5_000


def collection_of(episode: str, step_no: int) -> str:
    """
    The collection in which the answer for a step arrives, ``[a-z0-9]+``, used once in a call.

    >>> collection_of("episode", 3)
    'eb079ff33s3'
    """
    digest = hashlib.blake2b(episode.encode(), digest_size=4).hexdigest()
    return f"e{digest}s{step_no}"


def dropping(collection: str) -> Node:
    """
    Drain waiting keys (into `DRAIN`), or erase a collection by collecting it once more.

    One millisecond: it costs 1 to 3 ms of the call.
    """
    return "collect_dtmf", {
        "collection_name": collection,
        "max_digits": 1,
        "terminator": "#",
        "timeout": 1,
    }


def pivot(url: str, facts: Facts) -> dict[str, Any]:
    """A continuation, with the fallback for when nobody answers it."""
    least_ms = math.ceil(facts.deadline_s * 1000) + _MARGIN_MS
    return {
        "module": "pivot",
        "data": {
            "voice_url": url,
            "method": "post",
            "req_format": "kazoo",
            "req_body_format": "json",
            "req_timeout_ms": min(_MOST_MS, max(_TIMEOUT_MS, least_ms)),
        },
        "children": {"_": facts.fallback.to_dict()},
    }


def tag_node(values: Mapping[str, Any]) -> Node:
    """Application variables, exported so that other legs and reports carry them."""
    return "set_variables", {"custom_application_vars": dict(values), "export": True}


def asked(ask: Ask[Any], queued: Iterable[Node], facts: Facts, collection: str) -> list[Node]:
    """The nodes of a question, up to its pivot."""
    catalogue, language = facts.catalogue, facts.language
    reason = {"nothing": ask.nothing_heard, "invalid": ask.not_valid}.get(ask.after)
    before = [*queued, *_nodes(reason, catalogue, language)]
    before, behind = question(before, _nodes(ask.prompt, catalogue, language), ask.interrupting)
    drain = [] if ask.typeahead else [dropping(DRAIN)]
    collect: Node = (
        "collect_dtmf",
        {
            "collection_name": collection,
            "max_digits": ask.max_digits,
            "terminator": ask.terminator,
            "timeout": _ms(ask.timeout_s),
            "interdigit_timeout": _ms(ask.interdigit_s),
        },
    )
    return [*before, *drain, *behind, collect]


def held(prompt: PromptLike, queued: Iterable[Node], facts: Facts, *, pause: bool) -> list[Node]:
    """
    The nodes of a holding prompt. Keys pressed in it wait for the next question's drain.

    Args:
        pause: the last one was over too soon: wait as well, in silence.
    """
    nodes = [*queued, *nodes_of(prompt, facts.catalogue, facts.language)]
    return [*uninterrupted(nodes), *([sleeping(HOLD_S)] if pause else [])]


HOLD_S: Final = 2
"""A holding prompt brings the call back no sooner, so that waiting costs few requests."""


def sleeping(seconds: float) -> Node:
    """Silence; keys pressed in it are lost."""
    if seconds == int(seconds):
        return "sleep", {"duration": int(seconds), "unit": "s"}
    return "sleep", {"duration": _ms(seconds), "unit": "ms"}


def chain(nodes: Iterable[Node], end: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Hang nodes under one another, and `end` under the last one."""
    tree: Mapping[str, Any] | None = end
    for module, data in reversed(list(nodes)):
        children = {} if tree is None else {"_": tree}
        tree = {"module": module, "data": data, "children": children}
    assert tree is not None  # there is always a node or an end
    return dict(tree)


def in_front(nodes: list[Node], following: Flow) -> dict[str, Any]:
    """The same where the end is a flow, whose own tags join ours."""
    tree = following.to_dict()
    if nodes and nodes[0][0] == "set_variables" and tree["module"] == "set_variables":
        ours = nodes[0][1]["custom_application_vars"]
        theirs = tree["data"].get("custom_application_vars", {})
        tree["data"] = {**tree["data"], "custom_application_vars": {**ours, **theirs}}
        tree["data"].setdefault("export", True)
        if len(nodes) == 1:
            return tree
        merged = ("set_variables", tree["data"])
        following_tree = tree["children"].get("_")
        if set(tree["children"]) <= {"_"}:
            return chain([merged, *nodes[1:]], following_tree)
    return chain(nodes, tree)


def _nodes(prompt: PromptLike | None, catalogue: Catalogue | None, language: str) -> list[Node]:
    return [] if prompt is None else nodes_of(prompt, catalogue, language)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
