"""
How a rehearsed call looks on a terminal, and how the person at it is heard.

Entries become lines with the call's time in the margin; colours only where a terminal
reads them; a warning is shown once however often it comes. With `--json` each entry is
one JSON object and questions go to standard error, so that the output stays readable by
machines.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import Final

import click

from reception.simulator.transcript import Entry, Kind

_COLOURS: Final = {
    Kind.POST: "cyan",
    Kind.REPLY: "cyan",
    Kind.RINGS: "magenta",
    Kind.PRESSES: "green",
    Kind.ASSUMES: "yellow",
    Kind.WARNS: "yellow",
    Kind.UNKNOWN: "yellow",
}
_MARGIN: Final = 9
_LONGEST_LINE: Final = 4096


class Printer:
    """Prints a transcript as it grows."""

    def __init__(self, *, is_json: bool, shows_nodes: bool) -> None:
        self._is_json = is_json
        self._shows_nodes = shows_nodes
        self._warned: set[str] = set()

    def note(self, entry: Entry) -> None:
        """Print one entry."""
        if entry.kind is Kind.NODE and not self._shows_nodes:
            return
        if entry.kind is Kind.WARNS:
            if entry.text in self._warned:
                return
            self._warned.add(entry.text)
        if self._is_json:
            click.echo(json.dumps(entry.to_dict(), default=str))
            return
        # What the terminal cannot show must not stop the call.
        line = f"{entry.at_ms / 1000:{_MARGIN}.2f}  {entry.kind.value:<8} {entry.text}"
        encoding = sys.stdout.encoding or "utf-8"
        shown = line.encode(encoding, errors="replace").decode(encoding)
        click.echo(click.style(shown, fg=self._colour(entry)))

    def ask(self, question: str) -> None:
        """Show a question to the person at the keyboard."""
        click.echo(f"{'':{_MARGIN}}? {question} ", nl=False, err=self._is_json)

    def interrupted(self) -> None:
        """Say that the call was broken off."""
        click.echo("\nYou broke off the call.", err=self._is_json)

    @staticmethod
    def _colour(entry: Entry) -> str | None:
        if entry.kind is Kind.END:
            return "green" if entry.detail.get("ok") else "red"
        if entry.kind is Kind.REPLY and entry.detail.get("verdict") not in {None, "accepted"}:
            return "red"
        return _COLOURS.get(entry.kind)


class KeyboardLines:
    """
    Lines typed at a terminal, read in a thread of their own.

    The thread reads the file itself, not Python's buffered stdin: it may still wait for a
    line when the program ends, and must hold no lock then.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: asyncio.Queue[str | None] | None = None

    async def read(self) -> str | None:
        """Wait for the next line; None after the end of input."""
        if self._queue is None:
            self._queue = asyncio.Queue()
            loop = asyncio.get_running_loop()
            threading.Thread(
                target=self._pump, args=(loop, self._queue), name="keyboard", daemon=True
            ).start()
        return await self._queue.get()

    def _pump(self, loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[str | None]) -> None:
        kept = b""
        while True:
            try:
                block = os.read(self._descriptor, _LONGEST_LINE)
            except OSError:
                block = b""
            *lines, kept = (kept + block).split(b"\n")
            words: list[str | None] = [line.decode("utf-8", "replace") for line in lines]
            if not block:
                words.append(None)
            try:
                for word in words:
                    loop.call_soon_threadsafe(queue.put_nowait, word)
            except RuntimeError:
                return  # the call is over and its loop is closed
            if not block:
                return
