"""
What a developer sees on loopback, and nobody else ever: findings and tracebacks.

Only code behind `WebSettings.dev` may call this module; it shows what logs must not hold.
"""

from __future__ import annotations

import traceback
from typing import Final

import structlog

from reception.callflow import Flow, validate
from reception.errors import AppError
from reception.web.incident import is_told_where, where
from reception.web.tenant import Tenant

_log: Final = structlog.stdlib.get_logger("reception.dev")


def error_page(error: BaseException) -> bytes:
    """A plain text page that says what is wrong and where."""
    lines = traceback.format_exception(error)
    if isinstance(error, AppError) and error.code.startswith("dialog."):
        # The frames are those of the engine, but for the line that asked.
        place = where(error) if is_told_where(error) else ""
        text = f"This dialog cannot go on.\n\n{error.message}\n" + (
            f"\nAt {place}\n" if place else ""
        )
    elif isinstance(error, AppError):
        text = f"The platform would reject this answer.\n\n{error.message}\n\n{''.join(lines)}"
    else:
        text = f"The handler raised an exception.\n\n{''.join(lines)}"
    return text.encode("utf-8", "backslashreplace")


def show_warnings(tenant: Tenant, reply: Flow) -> None:
    """Log what the platform would accept but the author probably did not mean."""
    seen: set[tuple[str, str]] = set()
    for platform in sorted(tenant.platforms):
        for warning in validate(reply, platform=platform).warnings:  # type: ignore[arg-type]  # 4 or 5
            if (warning.path, warning.code) not in seen:
                seen.add((warning.path, warning.code))
                _log.warning(
                    "flow.warning",
                    tenant=tenant.app_id,
                    code=warning.code,
                    path=warning.path,
                    reason=warning.message,
                )
