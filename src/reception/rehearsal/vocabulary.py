"""
The texts and names that stand in an application's code.

The rule this file keeps: what a developer has written down cannot tell of a guest, so a
recording may keep it: the words that a dialog branches by. Whole texts count, not the words
in them: a sentence that a caller hears may well hold a guest's name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple


class Vocabulary(NamedTuple):
    """Texts, as they stand in quotes; and names of attributes, arguments and variables."""

    texts: frozenset[str]
    names: frozenset[str]


def vocabulary_of(sources: Iterable[str]) -> Vocabulary:
    """
    Read files of Python; what is none says nothing.

    >>> sorted(vocabulary_of(["def f(room): return room.state == 'dirty'"]).texts)
    ['dirty']
    """
    texts: set[str] = set()
    names: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, (ast.arg, ast.keyword)) and node.arg:
                names.add(node.arg)
    return Vocabulary(frozenset(texts), frozenset(names | texts))
