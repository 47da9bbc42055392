"""
A recorded call: what was given, and what the platform did.

Given are the stored flow, the app's replies, the lengths of what is heard, what the phones
and carriers did, and a script of the caller and the network. The result is a list of rows.

Source: contract/traces, `how_to_read` of its index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reception.errors import NeedsHuman
from reception.simulator.call import CallSetup, Platform
from reception.simulator.rows import Row

_VERSION_4: Final = "4"
_MEDIA_MS: Final = 1_000
_WATCH_MS: Final = 30_000
_MAPPINGS: Final = ("flow", "stored_callflows", "media_durations_ms")
_LISTS: Final = ("http_replies", "script", "bridge_replies", "offnet_replies", "result")


@dataclass(frozen=True, slots=True)
class Recording:
    """
    One recording.

    Shape:
        given: the file as it is read.
    """

    given: Mapping[str, Any]

    @property
    def platform(self) -> Platform:
        """The version that was recorded."""
        return 4 if str(self.given.get("platform", _VERSION_4)) == _VERSION_4 else 5

    @property
    def flow(self) -> Mapping[str, Any]:
        """The stored callflow the call starts with; no defaults are written into it."""
        flow: Mapping[str, Any] = self.given["flow"]
        return flow

    @property
    def setup(self) -> CallSetup:
        """Who calls whom: the same in all recordings."""
        return CallSetup(
            call_id=str(self.given["call_id"]),
            from_number="1001",
            from_realm="hotel.example",
            to_number="2000",
            to_realm="hotel.example",
            caller_name="Alice",
            caller_number="+15551234567",
        )

    @property
    def watch_ms(self) -> int:
        """How long the recorder looked on."""
        return int(self.given.get("observe_ms", _WATCH_MS))

    @property
    def result(self) -> Sequence[Row]:
        """What the platform did; empty in a file that only says what is given."""
        result: Sequence[Row] = self.given.get("result") or ()
        return result

    def media_ms(self, media: str) -> int:
        """Tell how long something plays."""
        lengths = self.given.get("media_durations_ms", {})
        return int(lengths.get(media, self.given.get("media_default_ms", _MEDIA_MS)))

    def listed(self, key: str) -> Sequence[Mapping[str, Any]]:
        """Give one of the lists of what happens: replies, script, bridges, carriers."""
        return self.given.get(key) or ()

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Give a document of the account."""
        document = self.given.get("stored_callflows", {}).get(document_id)
        return document if isinstance(document, Mapping) else None


def read_recording(text: bytes) -> Recording:
    """
    Read a recording's file.

    Errors:
        NeedsHuman("simulate.trace"): it is no JSON, or not a recording.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NeedsHuman("simulate.trace", f"the file is no JSON: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("flow"), dict):
        raise NeedsHuman("simulate.trace", "the file is no recording: it has no `flow`")
    wrong = [key for key in _MAPPINGS if not isinstance(given.get(key, {}), dict)]
    wrong += [key for key in _LISTS if not _is_list_of_objects(given.get(key))]
    if wrong:
        raise NeedsHuman("simulate.trace", f"not as in a recording: {', '.join(wrong)}")
    if not isinstance(given.get("call_id"), str):
        raise NeedsHuman("simulate.trace", "the file is no recording: it has no `call_id`")
    return Recording(given)


def _is_list_of_objects(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)
