"""
Nodes that make the caller hear something, and the two that decide in which language.

The rule this file keeps: facts only; a key pressed during `play` or `tts` waits in the
collection ``default`` (see `keys`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.compiled import Schema
from reception.callflow.facts import (
    Bounds,
    Default,
    Drawn,
    Items,
    Length,
    Part,
    Pattern,
    Platform,
    Required,
    schema_of,
)
from reception.callflow.node import NONE, Ends, Keys, Node

_ALL_KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"]
"""What interrupts a prompt on the platform unless the node says otherwise: every key."""

Engine = Literal["flite", "google", "ispeech", "voicefabric"]


class Answer(Node, frozen=True):
    """
    Answer the call. From here on the caller pays.

    Children: ``_``. Answers: yes.

    Source:
        kazoo cf_answer.
    """

    module: ClassVar[str] = "answer"
    answers: ClassVar[bool] = True


class Play(Node, frozen=True):
    """
    Play a media file of the platform, or one from a URL.

    Children: ``_``, also when the media is unknown.
    Answers: yes, 100 ms before the sound, unless `answer` is false (early media).

    Shape:
        id: media id or URL (what has no ``/`` in it is taken for an id). The platform takes
            a node without one and skips it.
        terminators: the keys that stop the sound; platform: every key. ``[]`` for none.
        loop_count: how often, at least 1.

    Surprises:
        `endless_playback` never continues. A key that stops this prompt counts as the
        first digit of the next `collect_dtmf`, and so does a second key pressed during it.

    Source:
        kazoo cf_play; run: traces 1 to 17, 103, 104.
    """

    module: ClassVar[str] = "play"
    answers: ClassVar[bool] = True

    id: str
    answer: bool | None = None
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None
    loop_count: Annotated[int | None, Bounds(1)] = None
    endless_playback: Annotated[bool | None, Default(False)] = None


class Tts(Node, frozen=True):
    """
    Speak a text.

    Children: ``_``; an error of the engine stops the flow, and the caller is hung up (`play`
    would go on).
    Answers: yes.

    Shape:
        text: 1 to 1,000 characters.
        terminators: the keys that stop the speech; platform: every key. ``[]`` for none.
        engine: the platform's own choice where it is not given.
        voice: platform: ``female``.

    Source:
        kazoo cf_tts; run: traces 13, 157.
    """

    module: ClassVar[str] = "tts"
    answers: ClassVar[bool] = True

    text: Annotated[str, Length(1, 1000), Required()]
    language: str | None = None
    voice: Annotated[str | None, Default("female")] = None
    engine: Engine | None = None
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None
    endless_playback: bool | None = None


class MacroPlay(Part, frozen=True):
    """A media file in an `audio_macro`; fields as in `play`."""

    id: str | None = None
    macro: Literal["play"] = "play"
    answer: bool | None = None
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None
    loop_count: Annotated[int | None, Bounds(1)] = None
    endless_playback: Annotated[bool | None, Default(False)] = None
    skip_module: bool | None = None


class MacroTone(Part, frozen=True):
    """
    A tone in an `audio_macro`.

    Units:
        ``frequencies`` Hz, ``duration_on`` and ``duration_off`` ms, ``volume`` 0 to 100.
    """

    frequencies: Sequence[int] | None = None
    macro: Literal["tone"] = "tone"
    duration_on: int | None = None
    duration_off: int | None = None
    repeat: int | None = None
    volume: Annotated[int | None, Bounds(0, 100)] = None


class MacroPrompt(Part, frozen=True):
    """One of the platform's own prompts in an `audio_macro`, by its id."""

    id: str | None = None
    macro: Literal["prompt"] = "prompt"
    language: str | None = None
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None


class MacroSay(Part, frozen=True):
    """A number, date or spelling in an `audio_macro`: `text` read as the given `type`."""

    text: str | None = None
    macro: Literal["say"] = "say"
    type: (
        Literal[
            "number",
            "items",
            "persons",
            "messages",
            "currency",
            "time_measurement",
            "current_date",
            "current_time",
            "current_date_time",
            "telephone_number",
            "telephone_extension",
            "url",
            "ip_address",
            "e-mail_address",
            "postal_address",
            "account_number",
            "name_spelled",
            "name_phonetic",
            "short_date_time",
        ]
        | None
    ) = None
    method: Literal["none", "pronounced", "iterated", "counted"] | None = None
    gender: Literal["masculine", "feminine", "neuter"] | None = None
    language: str | None = None
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None


class MacroTts(Part, frozen=True):
    """A spoken text in an `audio_macro`; fields as in `tts`."""

    text: Annotated[str, Length(1, 1000), Required()]
    macro: Literal["tts"] = "tts"
    language: str | None = None
    voice: Annotated[str | None, Default("female")] = None
    engine: Engine | None = None
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None
    endless_playback: bool | None = None
    skip_module: bool | None = None


Macro = MacroPlay | MacroTone | MacroPrompt | MacroSay | MacroTts

_MACROS: tuple[type[Part], ...] = (MacroPlay, MacroTone, MacroPrompt, MacroSay, MacroTts)


def _macros(platform: Platform) -> Schema:
    """An item is exactly the one kind that its `macro` names; the kinds are told apart by it alone."""
    kinds = [schema_of(kind, platform) for kind in _MACROS]
    words = [kind["properties"]["macro"]["enum"][0] for kind in kinds]
    item: dict[str, Any] = {
        "type": "object",
        "properties": {"macro": {"type": "string", "enum": words}},
        "required": ["macro"],
        "oneOf": kinds,
    }
    return {"type": "array", "items": item}


class AudioMacro(Node, frozen=True):
    """
    Play a list of files, tones, prompts, numbers and texts in one go.

    Children: ``_``; the caller's hang-up stops.

    Shape:
        macros: at least one `MacroPlay`, `MacroTone`, `MacroPrompt`, `MacroSay`, `MacroTts`,
            or a mapping whose ``macro`` names its kind.
        terminators: the keys that stop the whole list; platform: every key.

    Surprises:
        Chained `play` and `tts` nodes do the same and are better known territory.

    Source:
        kazoo callflows.audio_macro.
    """

    module: ClassVar[str] = "audio_macro"

    macros: Annotated[Sequence[Macro | Mapping[str, Any]], Drawn(_macros), Items(1), Default([])]
    terminators: Annotated[Sequence[str] | None, Default(_ALL_KEYS)] = None
    language: str | None = None


class Tone(Part, frozen=True):
    """
    One tone.

    Units:
        ``frequencies`` Hz, at least one; ``duration_on`` and ``duration_off`` ms;
        ``volume`` dB, 0 is the loudest; ``repeat`` times.
    """

    frequencies: Annotated[Sequence[int], Items(1), Required()]
    duration_on: Annotated[int, Required()]
    duration_off: Annotated[int, Required()]
    repeat: int | None = None
    volume: Annotated[int | None, Bounds(most=0)] = None


class Tones(Node, frozen=True):
    """
    Play tones.

    Version 5 only. Children: ``_``; the caller's hang-up stops.

    Source:
        kazoo cf_tones.
    """

    module: ClassVar[str] = "tones"
    versions: ClassVar[frozenset[Platform]] = frozenset({5})

    tones: Sequence[Tone | Mapping[str, Any]]


class DeadAir(Node, frozen=True):
    """
    Answer and stay silent until the caller hangs up.

    Children: none. Ends: always. Answers: yes.

    Source:
        kazoo cf_dead_air.
    """

    module: ClassVar[str] = "dead_air"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"
    answers: ClassVar[bool] = True


class Language(Node, frozen=True):
    """
    Set the language of the platform's own prompts.

    Children: ``_``. Answers: no.

    Shape:
        language: two letters, or two and two: ``de``, ``de-DE``. It comes back as the
            request's ``Language``.

    Source:
        kazoo cf_language.
    """

    module: ClassVar[str] = "language"

    language: Annotated[str, Pattern(r"^[A-Za-z]{2}(-[A-Za-z]{2})?$"), Required()]


class DetectSpeech(Node, frozen=True):
    """
    Start or stop speech recognition.

    Version 5 only. Children: ``_``, at once.

    Surprises:
        What was understood is an event on the platform; it chooses no branch and reaches no
        request.

    Source:
        kazoo cf_detect_speech.
    """

    module: ClassVar[str] = "detect_speech"
    versions: ClassVar[frozenset[Platform]] = frozenset({5})

    action: Literal["start", "stop"]
    asr_engine: str | None = None
    asr_params: Mapping[str, Any] | None = None
    asr_settings: Mapping[str, Any] | None = None
