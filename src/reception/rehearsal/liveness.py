"""
Which variables of a function still count at a place in it.

The rule this file keeps: a variable that is written before it is read again, whatever way the
function takes, cannot change what it does; everything in doubt counts. So a menu that is
asked again is the same place, whatever was chosen the last time.
"""

from __future__ import annotations

import dis
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Final

_ENDS: Final = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"})
_ALWAYS: Final = frozenset({"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})


def live_at(code: CodeType, offset: int) -> frozenset[str]:
    """
    The local variables that may be read after the instruction at `offset`.

    Those that functions within share always count.
    """
    shared = frozenset((*code.co_cellvars, *code.co_freevars))
    return _live_after(code).get(offset, frozenset(code.co_varnames)) | shared


@lru_cache(maxsize=512)
def _live_after(code: CodeType) -> Mapping[int, frozenset[str]]:
    """Variables that are live behind each instruction, by its offset."""
    instructions = list(dis.get_instructions(code))
    place = {each.offset: number for number, each in enumerate(instructions)}
    follows: list[set[int]] = []
    for number, each in enumerate(instructions):
        onward: set[int] = set()
        if each.opname not in _ENDS and each.opname not in _ALWAYS:
            onward.add(number + 1)
        if each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
            onward.add(place[each.argval])
        follows.append({n for n in onward if n < len(instructions)})
    # Since Python 3.11, and unknown to the types of the standard library.
    for entry in vars(dis.Bytecode(code))["exception_entries"]:
        for offset in range(entry.start, entry.end, 2):
            if offset in place:
                follows[place[offset]].add(place[entry.target])
    before: list[frozenset[str]] = [frozenset()] * len(instructions)
    after: list[frozenset[str]] = [frozenset()] * len(instructions)
    is_settled = False
    while not is_settled:
        is_settled = True
        for number in range(len(instructions) - 1, -1, -1):
            out = frozenset().union(*(before[n] for n in follows[number]))
            reads, writes = _touched(instructions[number])
            into = (out - writes) | reads
            after[number] = out
            if into != before[number]:
                before[number] = into
                is_settled = False
    return {each.offset: after[number] for number, each in enumerate(instructions)}


def _touched(instruction: dis.Instruction) -> tuple[frozenset[str], frozenset[str]]:
    """What an instruction reads, and what it writes without reading it first."""
    name = instruction.opname
    if "_FAST" not in name:
        return frozenset(), frozenset()
    given = instruction.argval
    names = given if isinstance(given, tuple) else (given,)
    if len(names) == 1:
        if name.startswith(("STORE_FAST", "DELETE_FAST")) and "LOAD" not in name:
            return frozenset(), frozenset(names)
        return frozenset(names), frozenset()
    # Newer versions do two in one: STORE_FAST_LOAD_FAST writes the first and reads the second.
    kinds = name.replace("_FAST", "").split("_")
    reads = frozenset(n for n, kind in zip(names, kinds, strict=False) if kind == "LOAD")
    writes = frozenset(n for n, kind in zip(names, kinds, strict=False) if kind == "STORE")
    if name.startswith("STORE"):
        return reads - writes, writes
    return reads, writes - reads
