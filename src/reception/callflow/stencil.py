"""
Nodes that are made often and differ in one text only.

The rule this file keeps: such a node is checked once, with the beginning of its text, and
then filled in by the end of it. So it is for texts that no rule looks at to their end: a name
without rules, or a URL whose query is open (the rules look at its host).
"""

from __future__ import annotations

from typing import Any, Final

from reception.callflow.making import node_flow, written_part
from reception.callflow.rendering import Step, start_of
from reception.callflow.value import Flow

_OPEN: Final = "\x00open"


class Stencil:
    """
    One node of a flow but for the end of one text.

    Args:
        data: of the node, in plain JSON; under `key` it has the beginning of the text.

    Errors:
        AppError("flow.rejected"): no version of the platform accepts the node.

    >>> Stencil("play", {"id": "/media/"}, "id").filled("1").render()
    b'{"module":"play","data":{"id":"/media/1"},"children":{}}'
    """

    __slots__ = ("_after", "_before", "_begins", "_data", "_is_local", "_key", "_mask", "_module")

    def __init__(self, module: str, data: dict[str, Any], key: str) -> None:
        checked = node_flow(module, data)
        self._mask: Final = checked._mask
        self._is_local: Final = checked._local
        self._module: Final = module
        self._data: Final = data
        self._key: Final = key
        self._begins: Final = data[key]
        opened = written_part(module, {**data, key: _OPEN})
        before, _, self._after = opened.partition(written_part(module, _OPEN))
        self._before: Final = start_of(module) + before

    def filled(self, rest: str) -> Flow:
        """Make the flow of the node with `rest` behind the beginning of its text."""
        text = self._begins + rest
        data = self._data.copy()
        data[self._key] = text
        head = self._before + written_part(self._module, text) + self._after
        return Flow((Step(self._module, head, data),), self._mask, self._is_local)
