"""
Messages in the account's voicemail boxes.

A list without ``paginate`` is flat; with ``paginate=true`` each row is named after its
message. Folders are moved one by one, and what could not be moved is told beside what was.

Source: contract/platform_api.md, voicemail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.rest.asked import Asked, bad_identifier, invalid

_FOLDERS: Final = frozenset({"new", "saved", "deleted"})
_EMPTY_RECORDING: Final = b"RIFF$\x00\x00\x00WAVE"


@dataclass(slots=True)
class Mailboxes:
    """The messages of all boxes, by box and message."""

    new_id: Callable[[], str]
    now: Callable[[], int]
    _boxes: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def leave(self, box_id: str, **given: Any) -> str:
        """Leave a message; gives its id."""
        media_id = self.new_id()
        message = {
            "media_id": media_id,
            "call_id": given.get("call_id", ""),
            "caller_id_name": given.get("caller_id_name", "unknown"),
            "caller_id_number": given.get("caller_id_number", "anonymous"),
            "folder": "new",
            "from": given.get("from", ""),
            "to": given.get("to", ""),
            "length": given.get("length", 0),
            "timestamp": self.now(),
        }
        self._boxes.setdefault(box_id, {})[media_id] = message
        return media_id

    def rows(self, box_id: str, *, keyed: bool) -> list[dict[str, Any]]:
        """Give the messages of a box that are not deleted."""
        messages = [
            message for message in self._of(box_id).values() if message["folder"] != "deleted"
        ]
        return [{message["media_id"]: message} if keyed else message for message in messages]

    def get(self, box_id: str, media_id: str) -> dict[str, Any]:
        """Give one message, or 404."""
        message = self._of(box_id).get(media_id)
        if message is None:
            raise bad_identifier(media_id)
        return message

    def recording(self, box_id: str, media_id: str) -> bytes:
        """Give the sound of a message: an empty one."""
        self.get(box_id, media_id)
        return _EMPTY_RECORDING

    def move(self, box_id: str, asked: Asked, only: str | None = None) -> dict[str, Any]:
        """Move messages into a folder, all that are named, or one."""
        folder = asked.data.get("folder")
        if folder not in _FOLDERS:
            raise invalid("folder", "enum", "no such folder", target=sorted(_FOLDERS))
        named = [only] if only is not None else asked.data.get("messages")
        if not isinstance(named, list):
            raise invalid("messages", "required", "Field is required but missing")
        return self._moved(box_id, [str(each) for each in named], str(folder))

    def delete(self, box_id: str, asked: Asked, only: str | None = None) -> dict[str, Any]:
        """Delete one message, those that are named, or all."""
        if only is not None:
            self.get(box_id, only)
            return self._moved(box_id, [only], "deleted")
        named = asked.data.get("messages")
        ids = [str(each) for each in named] if isinstance(named, list) else list(self._of(box_id))
        return self._moved(box_id, ids, "deleted")

    def counts(self, box_id: str) -> Mapping[str, int]:
        """Count new and saved messages: the lamp follows the new ones."""
        folders = [message["folder"] for message in self._of(box_id).values()]
        return {"new": folders.count("new"), "saved": folders.count("saved")}

    def forget(self, box_id: str) -> None:
        """Throw a box away with all that is in it."""
        self._boxes.pop(box_id, None)

    def _moved(self, box_id: str, ids: list[str], folder: str) -> dict[str, Any]:
        held = self._of(box_id)
        done = [each for each in ids if each in held]
        for each in done:
            held[each]["folder"] = folder
        failed = [{each: "not_found"} for each in ids if each not in held]
        return {"succeeded": done, "failed": failed}

    def _of(self, box_id: str) -> dict[str, dict[str, Any]]:
        return self._boxes.get(box_id, {})
