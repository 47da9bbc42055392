"""
Every error that Reception raises on purpose.

The tree, one class per next action::

    ReceptionError
    ├─ PeerError    the other side broke the contract: answer it with `status`
    ├─ AppError     the application's own code broke a rule: tell its developer
    ├─ Retry        it is out of reach for the moment: try again after `after_s`
    ├─ NeedsHuman   configuration or environment: stop, say what to change
    └─ Denied       no such tenant, or wrong credentials: one answer for all of them

Each error carries a stable dotted `code` (for logs and tests) and a text that is
safe to show to whoever must act on it; only an `AppError`'s may quote a value.
Nothing else belongs here: an error that needs no action of its own is not a class.
"""

from __future__ import annotations


class ReceptionError(Exception):
    """Base of every error that Reception raises on purpose."""

    code: str

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class PeerError(ReceptionError):
    """
    The other side sent something that the contract does not allow.

    `status` is a hint for whoever must answer: an HTTP status from 400 to 499.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(code, message)
        self.status = status


class AppError(ReceptionError):
    """
    The application built or returned something that the platform would reject.

    The text is for its developer and may quote what the application passed in; `findings`
    ("$.data.timeout type") says the same without values, for logs.
    """

    def __init__(self, code: str, message: str, *, findings: tuple[str, ...] = ()) -> None:
        super().__init__(code, message)
        self.findings = findings


class Retry(ReceptionError):
    """
    Something that is needed is out of reach for the moment; nothing is wrong with the request.

    Whether it took effect may be unknown: what raises this can be called again with the same
    arguments. `after_s` is how long to wait at least.
    """

    def __init__(self, code: str, message: str, *, after_s: float = 0.1) -> None:
        super().__init__(code, message)
        self.after_s = after_s


class NeedsHuman(ReceptionError):
    """Reception cannot start or go on until somebody changes something outside it."""


class Denied(ReceptionError):
    """The request names no tenant that it may use."""
