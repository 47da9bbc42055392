"""
The engine of multi-step calls: journal, replay, replies. Pure.

The rule this package keeps: a dialog is a function that is run from the top at every step,
and everything that could differ between two runs is an argument or in the journal.
`Replay` is the machine, `Journal` its past, `Facts` and `Arrival` the world, `Outcome` what is
to be done; ADR 0015 says how a service does it.
"""

from reception.dialog.asking import Ask, Valid
from reception.dialog.catalogue import Catalogue
from reception.dialog.endings import CallEnded, DialogDrift, Parked, StepFailed
from reception.dialog.facts import EPISODE_TAG, NEXT, Arrival, Facts, Sandbox
from reception.dialog.journal import Entries, Entry, Journal
from reception.dialog.lines import home_of
from reception.dialog.opening import Began, Opening
from reception.dialog.operations import (
    LONGEST_SLEEP_S,
    Enqueue,
    Gather,
    Now,
    Operation,
    Play,
    Random,
    Run,
    Say,
    Sleep,
    StepOp,
    Tag,
    Token,
)
from reception.dialog.outcomes import (
    Effect,
    Effects,
    Job,
    Outcome,
    Returned,
    Settled,
    Suspended,
)
from reception.dialog.prompts import Prompt, PromptLike, checked
from reception.dialog.replay import Replay
from reception.dialog.replies import collection_of
from reception.dialog.running import StepInfo, current_step
from reception.dialog.secret import Secret
from reception.dialog.source_check import Remark, check_source
from reception.dialog.stage import Stage

__all__ = [
    "EPISODE_TAG",
    "LONGEST_SLEEP_S",
    "NEXT",
    "Arrival",
    "Ask",
    "Began",
    "CallEnded",
    "Catalogue",
    "DialogDrift",
    "Effect",
    "Effects",
    "Enqueue",
    "Entries",
    "Entry",
    "Facts",
    "Gather",
    "Job",
    "Journal",
    "Now",
    "Opening",
    "Operation",
    "Outcome",
    "Parked",
    "Play",
    "Prompt",
    "PromptLike",
    "Random",
    "Remark",
    "Replay",
    "Returned",
    "Run",
    "Sandbox",
    "Say",
    "Secret",
    "Settled",
    "Sleep",
    "Stage",
    "StepFailed",
    "StepInfo",
    "StepOp",
    "Suspended",
    "Tag",
    "Token",
    "Valid",
    "check_source",
    "checked",
    "collection_of",
    "current_step",
    "home_of",
]
