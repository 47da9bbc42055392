"""The checks of the crash tests find what they are there for: each kind of mistake, planted."""

from __future__ import annotations

from tests.crash.history import (
    Conversation,
    History,
    Line,
    StoredEffect,
    StoredEpisode,
    check_effects,
    check_episode,
    check_fallbacks,
    check_refusals,
    check_replies,
    check_results,
)

END = "end"
STEP = ("episode", 1)


def line(what: str, attempt: int, *, at: float, pid: int = 1, nonce: str = "") -> Line:
    return Line(what, "k", attempt, nonce or f"{attempt:08x}", pid, at)


def stored(attempt: int, *, state: str = "done") -> StoredEffect:
    result = f"ek#{attempt}#{attempt:08x}" if state == "done" else ""
    return StoredEffect("k", state, attempt, result)


ONCE = [line("begun", 1, at=1), line("done", 1, at=2)]
TWICE = [*ONCE, line("begun", 2, at=9, pid=2), line("done", 2, at=10, pid=2)]


def test_a_lost_or_changed_step_is_found() -> None:
    history = History()
    history.heard(STEP, b"reply")
    digest = history.acknowledged[STEP]

    assert [] == list(check_replies(history, [STEP], {STEP: digest}))
    assert 1 == len(list(check_replies(history, [STEP], {})))
    assert 1 == len(list(check_replies(history, [STEP], {STEP: b"other"})))


def test_a_repetition_that_hears_something_else_is_found() -> None:
    history = History()
    history.heard(STEP, b"reply")
    history.heard(STEP, b"reply")
    assert [] == history.problems
    history.heard(STEP, b"another")
    assert 1 == len(history.problems)


def test_a_dialog_that_forgets_or_answers_another_key_is_found() -> None:
    def problems(*replies: tuple[str, str]) -> int:
        history = History()
        conversation = Conversation(history, "call")
        for words, pressed in replies:
            conversation.said(words.split(), pressed)
        return len(history.problems)

    assert 0 == problems(("c1", ""), ("c1 a5", "5"), ("c1 a5 e", ""))
    assert 1 == problems(("c1", ""), ("c2 a5", "5"))
    assert 1 == problems(("c1", ""), ("c1 a6", "5"))
    assert 1 == problems(("c1", ""), ("c1", "5"))


def test_an_effect_may_run_again_only_for_a_dead_process_that_stored_nothing() -> None:
    assert [] == list(check_effects(ONCE, [stored(1)], {}))
    assert [] == list(check_effects(TWICE, [stored(2)], {1: 5.0}))
    # Its process lives, or died later.
    assert 1 == len(list(check_effects(TWICE, [stored(2)], {})))
    assert 1 == len(list(check_effects(TWICE, [stored(2)], {1: 9.5})))
    # Its result was stored.
    first = StoredEffect("k", "done", 2, stored(1).result)
    assert 1 == len(list(check_effects(TWICE, [first], {1: 5.0})))


def test_an_effect_that_nobody_claimed_or_did_is_found() -> None:
    assert 1 == len(list(check_effects(ONCE, [], {})))
    assert 1 == len(list(check_effects(ONCE[:1], [stored(1)], {})))
    both = [*ONCE, line("begun", 1, at=3, nonce="0000000f")]
    assert [] != list(check_effects(both, [stored(1)], {1: 2.5}))
    assert 1 == len(list(check_results(["ek#1#00000009"], [stored(1)])))


def test_a_fallback_beside_a_stored_reply_must_have_a_reason() -> None:
    history = History()
    history.fell_back(STEP, b"fallback", took_s=0.1)
    assert [] == list(check_fallbacks(history, {}))
    assert [] == list(check_fallbacks(history, {STEP: history.fallback}))
    assert 1 == len(list(check_fallbacks(history, {STEP: b"other"})))
    history.is_outage = True
    history.fell_back(STEP, b"fallback", took_s=0.1)
    assert [] == list(check_fallbacks(history, {STEP: b"other"}))


def test_a_refused_step_must_have_been_begun_anew() -> None:
    history = History()
    history.refused.add(STEP)
    assert 1 == len(list(check_refusals(history, set())))
    assert [] == list(check_refusals(history, {"episode"}))


def test_jobs_without_steps_and_half_ends_are_found() -> None:
    def problems(
        steps: dict[int, int],
        jobs: list[tuple[int, str]],
        end: int | None = None,
        after_end: int = 0,
    ) -> int:
        row = StoredEpisode("e", end is not None, steps, jobs, end, after_end)
        return len(list(check_episode(row, end_task=END)))

    assert 0 == problems({0: 1, 1: 0}, [(0, "note"), (2, END)], end=2)
    assert 0 == problems({0: 0}, [(1, "note"), (1, END)], end=1, after_end=1)
    assert 1 == problems({0: 0}, [(1, "note"), (1, END)], end=1)
    assert 1 == problems({0: 0}, [(1, END)], end=1, after_end=1)
    assert 1 == problems({0: 1}, [])
    assert 1 == problems({0: 0}, [(0, "note")])
    assert 1 == problems({0: 0}, [(1, "note")])
    assert 1 == problems({0: 0}, [(0, END)])
    assert 1 == problems({0: 0}, [], end=1)
    assert 1 == problems({0: 0}, [(1, END), (1, END)], end=1)
    assert 1 == problems({0: 0, 2: 0}, [])
    assert 1 == problems({0: 0, 1: 0}, [(1, END)], end=1)
