"""
`module:attribute` → an `App`, with a sentence for everything that can go wrong.

Importing runs somebody else's code, and it may raise whatever it likes, `SystemExit`
included. The sentence is the last line of that code's own traceback (file, line, error):
frames of the import system and of Reception help nobody. Only `worker` and `local` import
applications; the supervisor never does.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from reception.bootstrap.problems import did_you_mean
from reception.bootstrap.prompts import read_prompts
from reception.errors import AppError, NeedsHuman
from reception.face.app import App

_OURS: Final = str(Path(__file__).resolve().parents[1])


class TargetError(NeedsHuman):
    """
    A target that gives no app; the text says why.

    `is_absent`: there is no such module at all, so that waiting for its file to be mended
    makes no sense.
    """

    def __init__(self, message: str, *, is_absent: bool = False) -> None:
        super().__init__("config.target", message)
        self.is_absent = is_absent


def load_app(target: str, directory: Path) -> App:
    """
    Import the app that `target` names, looking in `directory` first.

    Shape:
        target: ``module:attribute``; both may have dots.

    Errors:
        TargetError: no such module or attribute, its code raised, or it is no `App` with
            a handler.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise TargetError('must be "module:attribute", like "acme_crm:app"', is_absent=True)
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    value: object = _import(module_name, directory)
    for name in attribute.split("."):
        try:
            value = getattr(value, name)
        except AttributeError:
            hint = did_you_mean(name, [known for known in dir(value) if known[0] != "_"])
            raise TargetError(f"{module_name} has no {name!r}{hint}") from None
    if not isinstance(value, App):
        raise TargetError(f"{target} is a {type(value).__name__}, and must be a reception.App")
    try:
        _ = value.handler
        read_prompts(value)
    except AppError as error:
        raise TargetError(error.message) from None
    return value


def find_function(name: str) -> Callable[..., Any]:
    """
    Give the function that background work names, as `call.enqueue` wrote it down.

    Shape:
        name: ``module:Class.method``.

    Errors:
        NeedsHuman("work.task"): there is none (any more); the text says what is missing.
    """
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise NeedsHuman("work.task", f'{name!r} must be "module:function", like "crm:note"')
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise NeedsHuman("work.task", f"{name}: {error}") from None
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise NeedsHuman("work.task", f"{module_name} has no function {path} (any more)")
    function: Callable[..., Any] = found
    return function


def _import(name: str, directory: Path) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise TargetError(
                f"there is no module {missing} in {directory}", is_absent=True
            ) from None
        raise TargetError(own_words(error)) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a module raises, SystemExit too
        raise TargetError(own_words(error)) from None


def own_words(error: BaseException) -> str:
    """
    Say in one line where foreign code failed and how.

    >>> try:
    ...     compile("a b", "app.py", "exec")
    ... except SyntaxError as error:
    ...     own_words(error)
    'app.py:1: SyntaxError: invalid syntax'
    """
    says = traceback.format_exception_only(error)[-1].strip().replace("\n", " ")
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(("<", _OURS)):
            return f"{Path(frame.filename).name}:{frame.lineno}: {says}"
    return says
