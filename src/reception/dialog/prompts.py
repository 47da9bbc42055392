"""
What a caller hears before the next question, as nodes in a row.

The rule this file keeps: a key interrupts one prompt only, and a second key then counts as
an answer. So texts that follow one another become one `tts`, prompts before a question
cannot be interrupted, and of a question's own prompts only the last one can.

Source: contract/dialogs.md §1, traces 1 to 41.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from reception.callflow import Flow, flow
from reception.dialog.catalogue import Catalogue
from reception.errors import AppError

Node: TypeAlias = tuple[str, dict[str, Any]]
"""Module and data."""

_LONGEST_TEXT: Final = 1_000
_URLS: Final = ("https://", "http://")
_HEARD: Final = frozenset({"play", "tts", "audio_macro"})
"""Modules that a key can interrupt."""

_PROMPTS: Final = _HEARD | {"tones", "sleep", "language"}


class Prompt:
    """
    A prompt of the catalogue, by its key.

    What the caller hears is chosen when it is sent, by the call's language; the journal holds
    the key and the parameters, so that new wording changes no running call.

    >>> Prompt("menu.main", name="Ada")
    Prompt('menu.main', name='Ada')
    """

    __slots__ = ("key", "params")

    def __init__(self, key: str, /, **params: str | float) -> None:
        self.key: Final = key
        self.params: Final[Mapping[str, str | int | float]] = params

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.params.items())
        return f"Prompt({self.key!r}{given})"


PromptLike: TypeAlias = Flow | Prompt | str
"""A flow of prompts, a prompt of the catalogue, or a text that is spoken."""


def arguments_of(prompt: PromptLike | None) -> Any:
    """What a journal compares of a prompt."""
    if prompt is None or isinstance(prompt, str):
        return prompt
    if isinstance(prompt, Prompt):
        return {"prompt": prompt.key, "params": prompt.params}
    return {"flow": prompt.render().decode()}


def checked(prompt: PromptLike, method: str) -> PromptLike:
    """
    Refuse, on the developer's line, what is no prompt.

    Errors:
        AppError("dialog.prompt"): a flow with branches or with other modules than prompts.
    """
    if isinstance(prompt, str):
        # The builder says what is wrong; what is right has no need of it, at every replay.
        if not prompt.isascii() or not 0 < len(prompt) <= _LONGEST_TEXT:
            flow.tts(prompt)
        elif prompt.startswith(_URLS) and " " not in prompt:
            raise AppError(
                "dialog.prompt",
                f"{method}: this URL would be read out; to play what is there use flow.play(…)",
            )
    elif isinstance(prompt, Flow):
        _nodes_of_flow(prompt, method)
    elif not isinstance(prompt, Prompt):
        raise AppError(
            "dialog.prompt",
            f"{method} takes flow.play(…) or flow.tts(…), a text to speak, or prompt(…), not"
            f" {type(prompt).__name__}",
        )
    return prompt


def nodes_of(prompt: PromptLike, catalogue: Catalogue | None, language: str) -> list[Node]:
    """The nodes that make a caller hear a prompt."""
    if isinstance(prompt, str):
        return [("tts", {"text": prompt})]
    if isinstance(prompt, Flow):
        return _nodes_of_flow(prompt, "call.play")
    if catalogue is None:
        raise AppError(
            "prompts.none",
            f"prompt({prompt.key!r}) needs a catalogue: give the App `prompts=`",
        )
    return [catalogue.node(prompt.key, prompt.params, language)]


def _nodes_of_flow(prompt: Flow, method: str) -> list[Node]:
    nodes: list[Node] = []
    node: dict[str, Any] | None = prompt.to_dict()
    while node is not None:
        module, children = node["module"], node["children"]
        if module not in _PROMPTS or set(children) - {"_"}:
            raise AppError(
                "dialog.prompt",
                f"{method} takes prompts in a row (play, tts, audio_macro, tones, language,"
                f" sleep), and this flow has {module}"
                + (" with branches" if module in _PROMPTS else "")
                + ": use `await call.run(…)` for other flows",
            )
        if node["data"].get("endless_playback"):
            raise AppError(
                "dialog.prompt", f"{method}: endless_playback never continues, so nothing follows"
            )
        nodes.append((module, node["data"]))
        node = children.get("_")
    return nodes


def merged(nodes: Iterable[Node]) -> list[Node]:
    """Make one `tts` of texts that follow one another, as long as it stays within 1,000."""
    result: list[Node] = []
    for node in nodes:
        joined = _joined(result[-1], node) if result else None
        if joined is None:
            result.append(node)
        else:
            result[-1] = joined
    return result


def arranged(before: list[Node], own: list[Node], keys: str) -> tuple[list[Node], list[Node]]:
    """
    Arrange prompts around a question.

    Shape:
        before: what was queued; own: the question's prompts; keys: what may interrupt.
        returns: what goes before the drain, and what goes behind it.
    """
    before, own = merged(before), merged(own)
    if before and own:
        joined = _joined(before[-1], own[0])
        if joined is not None:
            before, own = before[:-1], [joined, *own[1:]]
    last = max((i for i, (module, _) in enumerate(own) if module in _HEARD), default=-1)
    behind = [_interrupted_by(node, keys if i == last else "") for i, node in enumerate(own)]
    return uninterrupted(before), behind


def uninterrupted(nodes: Iterable[Node]) -> list[Node]:
    """Let no key cut prompts short that answer nothing, unless they say otherwise."""
    return [_interrupted_by(node, "") for node in merged(nodes)]


def _interrupted_by(node: Node, keys: str) -> Node:
    module, data = node
    if module not in _HEARD or "terminators" in data:
        return node
    return module, {**data, "terminators": list(keys)}


def _joined(first: Node, second: Node) -> Node | None:
    if first[0] != "tts" or second[0] != "tts":
        return None
    one, other = dict(first[1]), dict(second[1])
    text = f"{one.pop('text')} {other.pop('text')}"
    if one != other or len(text) > _LONGEST_TEXT:
        return None
    return "tts", {"text": text, **one}
