"""
Every module of the reply language by name, with the facts that others ask for.

The rule this file keeps: it only collects what the node classes say. A module that is not
listed here does not exist for builders, lint, simulator and documentation.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from reception.callflow.facts import PLATFORMS, Platform, schema_of
from reception.callflow.node import Ends, Node
from reception.callflow.nodes import THEMES


class ModuleSpec:
    """
    What there is to know about one module.

    Shape:
        name: as in the flow, ``collect_dtmf``.
        node: its class.
        versions: the platform's versions that have it.
        ends: "never": it always goes on to a child; "always": no child is ever run;
            "on success": it goes on only when its step failed.
        answers: whether it answers the call, from where on the caller pays.
    """

    __slots__ = ("_schemas", "answers", "ends", "name", "node", "versions")

    def __init__(self, node: type[Node]) -> None:
        self.name: str = node.module
        self.node: type[Node] = node
        self.versions: frozenset[int] = frozenset(node.versions)
        self.ends: Ends = node.ends
        self.answers: bool = node.answers
        self._schemas = {platform: schema_of(node, platform) for platform in PLATFORMS}

    def schema(self, platform: Platform) -> Mapping[str, Any]:
        """The schema by which the platform judges the module's data."""
        return self._schemas[platform]

    def properties(self, platform: Platform) -> frozenset[str]:
        """The data keys that the platform knows; others it ignores."""
        return frozenset(self._schemas[platform]["properties"]) | {"skip_module"}

    def defaults(self, platform: Platform) -> Mapping[str, Any]:
        """What the platform writes into the data for keys that are absent, made for the caller."""
        properties: Mapping[str, Any] = self._schemas[platform]["properties"]
        return {
            key: copy.deepcopy(part["default"])
            for key, part in properties.items()
            if "default" in part
        }

    def takes(self, key: str) -> bool:
        """Whether the module can continue to the child `key`."""
        return self.node.takes.take(key)

    def __repr__(self) -> str:
        return f"<module {self.name}>"


def _collected() -> dict[str, ModuleSpec]:
    nodes = {
        value.module: value
        for theme in THEMES
        for value in vars(theme).values()
        if isinstance(value, type) and issubclass(value, Node) and value is not Node
    }
    return {name: ModuleSpec(nodes[name]) for name in sorted(nodes)}


SPECS: Final[Mapping[str, ModuleSpec]] = MappingProxyType(_collected())
"""Every module by name, in alphabetical order."""
