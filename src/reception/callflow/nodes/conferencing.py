"""
Nodes that put the caller into a conference, and what a conference is made of.

The rule this file keeps: facts only. The conference application takes the call over, so
neither node continues to a child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.facts import (
    Bounds,
    Default,
    Items,
    Key,
    Length,
    Only,
    Part,
    Pattern,
    Required,
)
from reception.callflow.node import NONE, Ends, Keys, Node

_Digits = Annotated[str, Pattern("^[0-9]+$")]


class WelcomePrompt(Part, frozen=True):
    """What greets a participant: whether (`play`, platform: true), and which media."""

    play: Annotated[bool | None, Default(True)] = None
    media_id: str | None = None


class ConferenceMember(Part, frozen=True):
    """How ordinary participants come in: by which numbers and PINs, deaf or muted."""

    join_deaf: Annotated[bool | None, Default(False)] = None
    join_muted: Annotated[bool | None, Default(True)] = None
    numbers: Annotated[Sequence[_Digits] | None, Items(0, unique=True), Default([])] = None
    pins: Annotated[Sequence[_Digits] | None, Default([])] = None
    play_entry_prompt: bool | None = None


class ConferenceModerator(Part, frozen=True):
    """How moderators come in: by which numbers and PINs, deaf or muted."""

    join_deaf: Annotated[bool | None, Default(False)] = None
    join_muted: Annotated[bool | None, Default(False)] = None
    numbers: Annotated[Sequence[_Digits] | None, Items(unique=True), Default([])] = None
    pins: Annotated[Sequence[_Digits] | None, Default([])] = None


class ConferenceProfile(Part, frozen=True):
    """
    Sounds and levels of a conference. The data keys have dashes where the names here have ``_``.

    Units:
        ``interval`` ms of audio in a packet, 10 to 120; ``rate`` Hz.

    Source:
        kazoo conferences.profile. `auto_record`: version 5 only.
    """

    alone_sound: Annotated[str | None, Key("alone-sound")] = None
    announce_count: Annotated[int | None, Key("announce-count")] = None
    auto_record: Annotated[bool | None, Key("auto-record"), Default(False), Only(5)] = None
    caller_controls: Annotated[str | None, Key("caller-controls")] = None
    comfort_noise: Annotated[int | None, Key("comfort-noise"), Bounds(0, 10000)] = None
    energy_level: Annotated[int | None, Key("energy-level"), Bounds(0, 1800)] = None
    enter_sound: Annotated[str | None, Key("enter-sound")] = None
    exit_sound: Annotated[str | None, Key("exit-sound")] = None
    interval: Annotated[int | None, Bounds(10, 120)] = None
    locked_sound: Annotated[str | None, Key("locked-sound")] = None
    max_members: Annotated[int | None, Key("max-members"), Bounds(2)] = None
    max_members_sound: Annotated[str | None, Key("max-members-sound")] = None
    moderator_controls: Annotated[str | None, Key("moderator-controls")] = None
    moh_sound: Annotated[str | None, Key("moh-sound")] = None
    muted_sound: Annotated[str | None, Key("muted-sound")] = None
    rate: Literal[8000, 12000, 16000, 24000, 32000, 44100, 48000] | None = None
    unmuted_sound: Annotated[str | None, Key("unmuted-sound")] = None


class ConferenceConfig(Part, frozen=True):
    """
    A conference that is not stored: everything a stored one may say.

    Shape:
        name: 1 to 128 characters; version 5 asks for it.
        owner_id: exactly 32 characters.

    Source:
        kazoo conferences. Version 5 only: `allow_shareable_link`, `base_profile_name`,
        `endconf_grace_time`, `video`.
    """

    name: Annotated[str | None, Length(1, 128), Required(only=5)] = None
    owner_id: Annotated[str | None, Length(32, 32)] = None
    conference_numbers: Annotated[Sequence[_Digits] | None, Items(unique=True), Default([])] = None
    member: Annotated[ConferenceMember | Mapping[str, Any] | None, Default({})] = None
    moderator: Annotated[ConferenceModerator | Mapping[str, Any] | None, Default({})] = None
    max_participants: int | None = None
    max_members_media: str | None = None
    require_moderator: bool | None = None
    wait_for_moderator: bool | None = None
    play_name: Annotated[bool | None, Default(False)] = None
    play_welcome: bool | None = None
    play_entry_tone: bool | str | None = None
    play_exit_tone: bool | str | None = None
    language: str | None = None
    caller_controls: str | None = None
    moderator_controls: str | None = None
    controls: Mapping[str, Any] | None = None
    profile_name: str | None = None
    profile: ConferenceProfile | Mapping[str, Any] | None = None
    bridge_username: str | None = None
    bridge_password: str | None = None
    domain: str | None = None
    focus: str | None = None
    flags: Sequence[str] | None = None
    allow_shareable_link: Annotated[bool | None, Default(False), Only(5)] = None
    base_profile_name: Annotated[str | None, Only(5)] = None
    endconf_grace_time: Annotated[int | None, Bounds(0), Only(5)] = None
    video: Annotated[bool | None, Only(5)] = None


class Conference(Node, frozen=True):
    """
    Put the caller into a conference.

    Children: none: the conference application takes the call over. Ends: always.
    Answers: yes.

    Shape:
        id: of a stored conference, exactly 32 characters; without it and `config` the caller
            is asked for a number.
        config: a conference of its own (`ConferenceConfig` or a mapping).
        play_entry_tone, play_exit_tone: true, false, or the tone.

    Source:
        kazoo cf_conference.
    """

    module: ClassVar[str] = "conference"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"
    answers: ClassVar[bool] = True

    id: Annotated[str | None, Length(32, 32)] = None
    config: ConferenceConfig | Mapping[str, Any] | None = None
    moderator: bool | None = None
    play_entry_tone: bool | str | None = None
    play_exit_tone: bool | str | None = None
    welcome_prompt: WelcomePrompt | Mapping[str, Any] | None = None


class ConferenceFeature(Conference, frozen=True):
    """
    Put the caller into the conference whose number was dialled behind a feature code.

    Everything is as in `conference`.

    Source:
        kazoo cf_conference_feature.
    """

    module: ClassVar[str] = "conference_feature"
