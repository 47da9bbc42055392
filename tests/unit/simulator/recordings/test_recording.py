"""Reading a recording's file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reception.errors import NeedsHuman
from reception.simulator.recordings.recording import read_recording

PLAY = {"module": "play", "data": {"id": "/m/p"}}


def given(**fields: Any) -> bytes:
    return json.dumps({"call_id": "c", "flow": PLAY, **fields}).encode()


def test_what_a_file_leaves_out_has_a_default() -> None:
    recording = read_recording(given())
    assert recording.platform == 4
    assert recording.media_ms("/m/p") == 1_000
    assert recording.watch_ms == 30_000
    assert list(recording.result) == []
    assert recording.document("x") is None


def test_the_file_says_how_long_something_lasts() -> None:
    recording = read_recording(given(media_durations_ms={"/m/p": 70}, media_default_ms=5))
    assert (recording.media_ms("/m/p"), recording.media_ms("/m/q")) == (70, 5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no `flow`"),
        (b'{"flow": {}}', "no `call_id`"),
        (given(script={}), "script"),
        (given(http_replies=[1]), "http_replies"),
        (given(stored_callflows=[]), "stored_callflows"),
    ],
)
def test_a_file_that_is_no_recording_is_told_so(text: bytes, says: str) -> None:
    with pytest.raises(NeedsHuman, match=says):
        read_recording(text)
