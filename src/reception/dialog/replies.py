"""
What the platform is sent when a dialog suspends: nodes, in the order that was measured.

The rule this file keeps: it makes sequences and decides nothing about the dialog. A reply is
`[tags] [erase] → prompts → [drain] → prompt → collect_dtmf → pivot → _ fallback`, on the
default branch only. Each node is checked when it is made; what is the same in every reply
of a kind is made once (`Stencil`), so that only what varies costs anything.

Source: contract/dialogs.md §1 to §3; traces 1, 2, 4, 31, 79, 172, 176.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from reception.callflow import Flow, flow
from reception.callflow.making import node_flow
from reception.callflow.plain import plain
from reception.callflow.stencil import Stencil
from reception.callflow.value import in_a_row
from reception.dialog.asking import Ask
from reception.dialog.catalogue import Catalogue
from reception.dialog.facts import Facts
from reception.dialog.prompts import Node, PromptLike, arranged, nodes_of, uninterrupted

DRAIN: Final = "rx"
"""The collection into which waiting keys are drained. Nobody ever reads it."""

_TIMEOUT_MS: Final = 4_000
_MARGIN_MS: Final = 500
_MOST_MS: Final = 5_000
_TAGS_FIRST: Final = b'{"module":"set_variables",'


def collection_of(episode: str, step_no: int) -> str:
    """
    The collection in which the answer for a step arrives, ``[a-z0-9]+``, used once in a call.

    >>> collection_of("episode", 3)
    'eb079ff33s3'
    """
    return f"e{_short(episode)}s{step_no}"


@lru_cache(maxsize=1024)
def _short(episode: str) -> str:
    return hashlib.blake2b(episode.encode(), digest_size=4).hexdigest()


def dropping(collection: str) -> Flow:
    """
    Drain waiting keys (into `DRAIN`), or erase a collection by collecting it once more.

    One millisecond: it costs 1 to 3 ms of the call.
    """
    return _DROPPING.filled(collection)


_DROPPING: Final = Stencil(
    "collect_dtmf",
    {"collection_name": "", "max_digits": 1, "terminator": "#", "timeout": 1},
    "collection_name",
)
_DRAINING: Final = dropping(DRAIN)


@lru_cache(maxsize=256)
def _collecting(max_digits: int, terminator: str, timeout_s: float, interdigit_s: float) -> Stencil:
    data = {
        "collection_name": "",
        "max_digits": max_digits,
        "terminator": terminator,
        "timeout": _ms(timeout_s),
        "interdigit_timeout": _ms(interdigit_s),
    }
    return Stencil("collect_dtmf", data, "collection_name")


def way_back(url: str, facts: Facts) -> tuple[Flow, Flow]:
    """A continuation, and behind it the fallback for when nobody answers."""
    # What the platform checks of a URL stands before its query.
    place, mark, query = url.partition("?")
    return _pivot(place + mark, facts.deadline_s).filled(query), facts.fallback


@lru_cache(maxsize=256)
def _pivot(url: str, deadline_s: float) -> Stencil:
    least_ms = math.ceil(deadline_s * 1000) + _MARGIN_MS
    timeout_ms = min(_MOST_MS, max(_TIMEOUT_MS, least_ms))
    data = {
        "voice_url": url,
        "method": "post",
        "req_format": "kazoo",
        "req_body_format": "json",
        "req_timeout_ms": timeout_ms,
    }
    return Stencil("pivot", data, "voice_url")


def tagging(values: Mapping[str, Any]) -> Flow:
    """Application variables, exported so that other legs and reports carry them."""
    return node_flow("set_variables", {"custom_application_vars": plain(values), "export": True})


def asked(ask: Ask[Any], queued: list[Node], facts: Facts, collection: str) -> list[Flow]:
    """The nodes of a question, up to its pivot."""
    catalogue, language, question = facts.catalogue, facts.language, ask.question
    before = list(queued)
    if ask.after == "nothing":
        before += _nodes(question.nothing_heard, catalogue, language)
    elif ask.after == "invalid":
        before += _nodes(question.not_valid, catalogue, language)
    if type(question.prompt) is str and not before:
        behind = [_spoken(question.prompt, question.interrupting)]
    else:
        own = _nodes(question.prompt, catalogue, language)
        before, own = arranged(before, own, question.interrupting)
        behind = made(own)
    drain = () if question.typeahead else (_DRAINING,)
    collect = _collecting(
        question.max_digits, question.terminator, question.timeout_s, question.interdigit_s
    )
    return [*made(before), *drain, *behind, collect.filled(collection)]


@lru_cache(maxsize=1024)
def _spoken(text: str, keys: str) -> Flow:
    return node_flow("tts", {"text": text, "terminators": list(keys)})


def made(nodes: Iterable[Node]) -> list[Flow]:
    """Check nodes, and write them."""
    return [node_flow(module, data) for module, data in nodes]


def held(prompt: PromptLike, queued: Iterable[Node], facts: Facts, *, pause: bool) -> list[Flow]:
    """
    The nodes of a holding prompt. Keys pressed in it wait for the next question's drain.

    Args:
        pause: the last one was over too soon: wait as well, in silence.
    """
    nodes = [*queued, *nodes_of(prompt, facts.catalogue, facts.language)]
    return [*made(uninterrupted(nodes)), *([sleeping(HOLD_S)] if pause else [])]


HOLD_S: Final = 2
"""A holding prompt brings the call back no sooner, so that waiting costs few requests."""


def sleeping(seconds: float) -> Flow:
    """Silence; keys pressed in it are lost."""
    if seconds == int(seconds):
        return node_flow("sleep", {"duration": int(seconds), "unit": "s"})
    return node_flow("sleep", {"duration": _ms(seconds), "unit": "ms"})


def in_front(tags: Mapping[str, Any], nodes: list[Flow], following: Flow) -> Flow:
    """Put tags and nodes in front of a flow, whose own tags join ours."""
    if not tags or not following.render().startswith(_TAGS_FIRST):
        before = [*([tagging(tags)] if tags else []), *nodes]
        return in_a_row([*before, following]) if before else following
    tree = following.to_dict()
    theirs = tree["data"].get("custom_application_vars", {})
    data = {**tree["data"], "custom_application_vars": {**tags, **theirs}}
    data.setdefault("export", True)
    if not nodes:
        return flow.raw({**tree, "data": data})
    if tree["children"].keys() <= {"_"}:
        rest = [flow.raw(child) for child in tree["children"].values()]
        return in_a_row([flow.raw({"module": "set_variables", "data": data}), *nodes, *rest])
    return in_a_row([tagging(tags), *nodes, flow.raw({**tree, "data": data})])


def _nodes(prompt: PromptLike | None, catalogue: Catalogue | None, language: str) -> list[Node]:
    return [] if prompt is None else nodes_of(prompt, catalogue, language)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
