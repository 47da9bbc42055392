"""
Replies in a graph: what a caller hears of one, and where a returned flow leads.

The rule this file keeps: a chain of nodes is one place; branches, ends and pivots are others.
A flow that runs out in a module that ends nothing is a dead end: the platform hangs up
without a word. A pivot leads on where its URL is ours, and is an end where it is another's.

Source: contract/dialogs.md §1, trace 53.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from reception.callflow import SPECS
from reception.rehearsal.answers import SILENCE
from reception.rehearsal.graph import Graph, Node
from reception.rehearsal.own_urls import OWN, STEP

_LONGEST: Final = 120
_DRAIN: Final = "rx"
DEAD_END: Final = "dead end, the caller is hung up without a word"


@dataclass(frozen=True, slots=True)
class Exit:
    """
    A pivot back to us, in a flow that a handler returned.

    Attributes:
        number: of the node that it hangs at.
        outcome: for another handler; params: for a URL of the application's own.
        branch: by which key the flow came to it; collects: what is typed on the way, by
            collection, with the number of digits.
    """

    number: int
    outcome: str
    params: Mapping[str, str] | None
    branch: str
    collects: tuple[tuple[str, int], ...]

    def tries(self) -> Iterator[tuple[str, dict[str, str]]]:
        """What may be typed on the way, with a label for it."""
        if not self.collects:
            yield self.branch, {}
            return
        name, most = self.collects[-1]
        prefix = f"{self.branch} " if self.branch else ""
        for key in "1234567890*":
            yield f"{prefix}{key}" + ("…" if most > 1 else ""), {name: key * most}
        yield f"{prefix}{SILENCE}", {}


def heard(reply: Any) -> tuple[str, ...]:
    """What a caller hears and what is run, along the default branch up to the way back."""
    return tuple(_words(node) for node in _chain(reply)[0] if _is_told(node))


def grow(graph: Graph, reply: Any, place: str) -> tuple[int, list[Exit]]:
    """
    Add a returned flow.

    Gives the number of its first node, and its exits.
    """
    exits: list[Exit] = []
    first = _add(graph, reply, place, exits, ())
    return first, exits


def _add(
    graph: Graph,
    reply: Any,
    place: str,
    exits: list[Exit],
    collects: tuple[tuple[str, int], ...],
) -> int:
    chain, rest = _chain(reply)
    lines = tuple(_words(node) for node in chain if _is_told(node))
    number = len(graph.nodes)
    made = Node("flow", lines or ("(nothing is heard here)",), place)
    graph.nodes.append(made)
    collects = (*collects, *_collected(chain))
    if rest is None:
        made.kind = "end"
        last = chain[-1]
        spec = SPECS.get(last["module"])
        if spec is not None and spec.ends == "never" and not last["data"].get("endless_playback"):
            made.flags.append(DEAD_END)
        return number
    for key, child in rest.items():
        label = "" if key == "_" else key
        leaving = _exit(child, number, label, collects)
        if leaving is not None:
            exits.append(leaving)
        else:
            made.edges.append((label, _add(graph, child, place, exits, collects)))
    return number


def _chain(reply: Any) -> tuple[Sequence[Any], Mapping[str, Any] | None]:
    """The nodes in a row, and what they branch to: None where nothing follows."""
    found: list[Any] = []
    node = reply
    while True:
        if node["module"] == "pivot" and (found or _is_ours(node)):
            return found, {"_": node}
        found.append(node)
        children = node["children"]
        if node["module"] == "pivot" or not children:
            return found, None
        if set(children) != {"_"}:
            return found, children
        node = children["_"]


def _exit(
    node: Any, number: int, branch: str, collects: tuple[tuple[str, int], ...]
) -> Exit | None:
    if node["module"] != "pivot":
        return None
    url = node["data"].get("voice_url", "")
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if url.startswith(STEP):
        return Exit(number, query.get("o", ""), None, branch, collects)
    if url.startswith(OWN):
        return Exit(number, "", query, branch, collects)
    return None


def _collected(chain: Sequence[Any]) -> Iterator[tuple[str, int]]:
    for node in chain:
        data = node["data"]
        if node["module"] == "collect_dtmf" and data.get("collection_name") != _DRAIN:
            yield data.get("collection_name", "default"), data.get("max_digits", 1)


def _is_told(node: Any) -> bool:
    if node["module"] == "pivot":
        return not _is_ours(node)
    return node["module"] not in {"set_variables", "collect_dtmf"}


def _is_ours(pivot: Any) -> bool:
    return str(pivot["data"].get("voice_url", "")).startswith((STEP, OWN))


def _words(node: Any) -> str:
    module, data = node["module"], node["data"]
    if module == "tts":
        told = f"“{data.get('text', '')}”"
    elif module == "sleep":
        told = f"sleep {data.get('duration', '')} {data.get('unit', 's')}"
    elif module == "pivot":
        # Of a foreign URL, only where it leads: its query may hold a secret.
        told = f"pivot to {urlsplit(data.get('voice_url', '')).hostname or 'elsewhere'}"
    else:
        what = data.get("id") or data.get("to_did") or ""
        told = f"{module} {what}" if isinstance(what, str) and what else module
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"
