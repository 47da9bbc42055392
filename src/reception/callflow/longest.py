"""
How many nodes a flow may launch: what a call pays the platform in tokens.

The rule this file keeps: it counts along every way through a flow, and only the longest one
matters. What a node costs, and what is left to pay with, is no business of this file.
"""

from __future__ import annotations

from reception.callflow.value import Flow


def longest_ways(flow: Flow) -> tuple[int, int]:
    """
    Count the nodes on the longest way through a flow, without recursion.

    Shape:
        returns: of all ways; and of those that stop at their first `pivot`, which counts.

    >>> from reception.callflow import flow
    >>> longest_ways(flow.answer().then(flow.pivot("https://a.example/")).then(flow.hangup()))
    (3, 2)
    """
    in_all = to_pivot = 0
    for step in flow._spine:
        if step.branches:
            return _longest_of_many(flow)
        in_all += 1
        if step.module == "pivot" and not to_pivot:
            to_pivot = in_all
    return in_all, to_pivot or in_all


def _longest_of_many(flow: Flow) -> tuple[int, int]:
    """The same where there are branches."""
    every = [flow]
    for seen in every:
        every.extend(hung for step in seen._spine for _, hung in step.branches)
    # A flow comes after the one it hangs from, so that the innermost are counted first.
    counted: dict[int, tuple[int, int]] = {}
    for seen in reversed(every):
        in_all = to_pivot = 0
        for step in reversed(seen._spine):
            for _, hung in step.branches:
                of_all, of_pivot = counted[id(hung)]
                in_all = max(in_all, of_all)
                to_pivot = max(to_pivot, of_pivot)
            in_all += 1
            to_pivot = 1 if step.module == "pivot" else to_pivot + 1
        counted[id(seen)] = in_all, to_pivot
    return counted[id(flow)]
