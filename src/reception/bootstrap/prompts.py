"""
Reads the prompts of an app from the folder that it names.

The folder stands beside the module that holds the app's handler, wherever the process was
started. Parsing, and what a prompt means, is `dialog.catalogue`'s business.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from reception.errors import AppError
from reception.face.app import App

# Far above any text that is read out; a file of this size is something else.
MAX_FILE_BYTES: Final = 1024 * 1024


def read_prompts(app: App) -> None:
    """
    Give an app the prompts of its folder, unless it names none or has them already.

    Errors:
        AppError: there is no such folder, no file in it, or one that cannot be read.
    """
    if app.prompts_folder is None or app.catalogue is not None:
        return
    module = sys.modules.get(getattr(app.handler, "__module__", "") or "")
    file = getattr(module, "__file__", None)
    folder = (Path(file).resolve().parent if file else Path.cwd()) / app.prompts_folder
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise AppError(
            "prompts.missing",
            f"prompts of {app.name} names {folder}, which has no file like en.toml: put the"
            " prompts of each language there",
        )
    app.use_prompts({path.stem: _text(path) for path in paths})


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise AppError("prompts.too_large", f"{path} has more than {MAX_FILE_BYTES} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise AppError("prompts.unreadable", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AppError("prompts.unreadable", f"{path} is not UTF-8 text") from None
