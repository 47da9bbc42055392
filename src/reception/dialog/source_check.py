"""
Reads a dialog's source for what a replay makes of it.

The rule this file keeps: it only reads, and reports what will surprise: code that runs at
every question because the dialog is put away there (`finally`, `with`, `except
BaseException`), and operations without an ``await``. What a run shows better (clocks,
chance, drift) is not guessed at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeGuard

from reception.errors import AppError

OPERATIONS: Final = frozenset(
    {"ask", "enqueue", "gather", "now", "play", "random", "run", "say", "sleep", "step", "tag"}
    | {"token"}
)
"""The methods of `Call` that are awaited."""


class Remark(NamedTuple):
    """
    One place that will surprise its author.

    Shape:
        line, column: of the source, from 1.
        code: stable: RC201 to RC204; each has a page in the documentation.
        message: what happens and what to write instead.
    """

    line: int
    column: int
    code: str
    message: str


_MESSAGES: Final = {
    "RC201": (
        "this runs at every question, not once: a dialog is put away by leaving its blocks. Put"
        " it behind `if call.ending:`, register it with call.on_end(fn, …), or make it"
        " `await call.step(fn, …)`"
    ),
    "RC202": (
        "a `with` around a question is left at that question and entered again on every replay:"
        " open what it holds inside a call.step, or let call.on_end(fn, …) close it"
    ),
    "RC203": ("this catches how a dialog is put away: catch `Exception`, or raise it again"),
    "RC204": "await is missing: without it the operation does nothing",
}


def check_source(source: str, name: str = "<source>") -> tuple[Remark, ...]:
    """
    Look for surprises in one file.

    A function is a dialog when a parameter of it is called ``call`` or annotated `Call`.

    Errors:
        AppError("check.syntax"): this is no Python.

    >>> check_source('''
    ... async def answer(call):
    ...     try:
    ...         await call.ask("Room?")
    ...     finally:
    ...         db.close()
    ... ''')[0].line
    6
    """
    try:
        tree = ast.parse(source, name)
    except (SyntaxError, ValueError) as problem:
        raise AppError("check.syntax", f"{name}: {problem}") from None
    found: list[Remark] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            call = _call_parameter(node)
            if call is not None:
                found.extend(_in_dialog(node, call))
    return tuple(sorted(set(found)))


def _call_parameter(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    given = function.args
    for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs):
        annotation = parameter.annotation
        words = ast.unparse(annotation).strip("\"'") if annotation is not None else ""
        if parameter.arg == "call" or words.rpartition(".")[2] == "Call":
            return parameter.arg
    return None


def _in_dialog(function: ast.AST, call: str) -> Iterator[Remark]:
    for node in _own(function):
        if isinstance(node, ast.Try):
            yield from _in_try(node, call)
        elif isinstance(node, (ast.With, ast.AsyncWith)) and _awaits_in(node.body, call):
            yield from _in_with(node)
        elif isinstance(node, ast.Expr) and _is_operation(node.value, call):
            yield _remark(node, "RC204")


def _in_with(node: ast.With | ast.AsyncWith) -> Iterator[Remark]:
    """`suppress` holds nothing that would be left; it is a `try` in other words."""
    opened = [item.context_expr for item in node.items]
    quiet = [each for each in opened if _is_suppress(each)]
    if len(quiet) < len(opened):
        yield _remark(node, "RC202")
    if any(_takes_all(kind) for each in quiet for kind in each.args):
        yield _remark(node, "RC203")


def _is_suppress(opened: ast.expr) -> TypeGuard[ast.Call]:
    return (
        isinstance(opened, ast.Call) and ast.unparse(opened.func).rpartition(".")[2] == "suppress"
    )


def _in_try(node: ast.Try, call: str) -> Iterator[Remark]:
    guarded = [*node.body, *node.handlers, *node.orelse]
    if _awaits_in(guarded, call):
        for statement in node.finalbody:
            if not _is_quiet(statement, call):
                yield _remark(statement, "RC201")
    if _awaits_in(node.body, call):
        for handler in node.handlers:
            if _catches_all(handler) and not _raises(handler):
                yield _remark(handler, "RC203")


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))


def _awaits_in(statements: list[ast.stmt] | list[ast.AST], call: str) -> bool:
    return any(
        isinstance(node, ast.Await) and _mentions(node, call)
        for statement in statements
        for node in (statement, *_own(statement))
    )


def _mentions(node: ast.AST, call: str) -> bool:
    """Is it an operation of `call`, or a function that is handed `call`?"""
    return any(isinstance(part, ast.Name) and part.id == call for part in ast.walk(node))


def _is_operation(node: ast.expr, call: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in OPERATIONS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == call
    )


def _is_quiet(statement: ast.stmt, call: str) -> bool:
    """May this stand in a `finally`? Awaited operations are silent while the dialog is put away."""
    if isinstance(statement, (ast.Pass, ast.Raise)):
        return True
    if isinstance(statement, ast.If):
        return _asks_for_the_end(statement.test, call) and not statement.orelse
    if isinstance(statement, ast.Expr):
        value = statement.value
        return isinstance(value, ast.Constant) or (
            isinstance(value, ast.Await) and _mentions(value, call)
        )
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, ast.Await) and _mentions(statement.value, call)
    return False


def _asks_for_the_end(test: ast.expr, call: str) -> bool:
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    return any(
        isinstance(part, ast.Attribute)
        and part.attr == "ending"
        and isinstance(part.value, ast.Name)
        and part.value.id == call
        for part in parts
    )


def _catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or _takes_all(kind) for kind in kinds)


def _takes_all(kind: ast.expr) -> bool:
    return ast.unparse(kind).rpartition(".")[2] in {"BaseException", "GeneratorExit"}


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in handler.body)


def _remark(node: ast.stmt | ast.ExceptHandler, code: str) -> Remark:
    return Remark(node.lineno, node.col_offset + 1, code, _MESSAGES[code])
