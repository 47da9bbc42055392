"""
What is wrong with a configuration, collected until everything is known.

An operator mends a file once, not once per mistake: whoever reads configuration adds a
`Problem` and goes on, and the last one raises `ConfigError` with all of them. A problem
says what to do in plain words and never repeats a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from reception.errors import NeedsHuman


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing to mend.

    Attributes:
        file: the file as the operator named it; "environment" where there is none.
        key: the place in it, like ``tenants.acme-crm.secrets[0]``; "" for the whole file.
        message: what is wrong and what to do.
    """

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.message) if part)


class ConfigError(NeedsHuman):
    """The configuration cannot be used; `problems` says why, one per line of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("config.invalid", "\n".join(str(problem) for problem in self.problems))


class Problems:
    """The problems of one file, in the order in which they were found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, key: str, message: str, *, file: str | None = None) -> None:
        """Note a problem at `key`; `file` where it is in another file than ours."""
        self.found.append(Problem(file or self.file, key, message))

    def raise_if_any(self) -> None:
        """
        End the reading of a configuration.

        Errors:
            ConfigError: there was at least one problem.
        """
        if self.found:
            raise ConfigError(self.found)


def reason_of(error: Exception) -> str:
    """Say in the system's words, without a path, why something could not be read or opened."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give ``; did you mean "x"?`` where a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""
