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
    every = [flow]
    for seen in every:
        for step in seen._spine:
            if step.branches:
                every.extend(hung for _, hung in step.branches)
    if len(every) == 1:
        # Nodes in a row, as most replies are.
        modules = [step.module for step in flow._spine]
        size = len(modules)
        return size, modules.index("pivot") + 1 if "pivot" in modules else size
    # A flow comes after the one it hangs from, so that the innermost are counted first.
    counted: dict[int, tuple[int, int]] = {}
    for seen in reversed(every):
        all_in_all = to_pivot = 0
        for step in reversed(seen._spine):
            for _, hung in step.branches:
                of_all, of_pivot = counted[id(hung)]
                all_in_all = max(all_in_all, of_all)
                to_pivot = max(to_pivot, of_pivot)
            all_in_all += 1
            to_pivot = 1 if step.module == "pivot" else to_pivot + 1
        counted[id(seen)] = all_in_all, to_pivot
    return counted[id(flow)]
