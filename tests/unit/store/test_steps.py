"""One node: what each method of the port promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from reception.errors import AppError
from reception.ports import END_TASK, Committed, EndRun, Opened
from tests.unit.store.conftest import rows, serving
from tests.unit.store.records import NOW, TENANT, claim, job, opening, step


def test_a_dialog_is_opened_goes_on_and_is_loaded_as_it_was(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            assert Opened("opened", "e") == await steps.open(opening("e"), step("e", 0, b"zero"))
            assert Committed("stored") == await steps.commit(step("e", 1, b"one", jobs=(job(),)))
            assert Committed("stored") == await steps.commit(step("e", 2, b"two"))
            history = await steps.load(TENANT, "e", 1)

        assert history is not None
        assert ("e", "call", "account", "app", "1", NOW, None) == (
            history.episode.episode,
            history.episode.call_id,
            history.episode.account_id,
            history.episode.app,
            history.episode.app_version,
            history.episode.opened_at,
            history.episode.ended_at,
        )
        assert [0, 1, 2] == [each.step_no for each in history.steps]
        assert [None, b"one", None] == [each.reply for each in history.steps]
        assert {(b"request", b"entries", b"bucket", NOW)} == {
            (each.digest, each.entries, each.bucket, each.created_at) for each in history.steps
        }
        assert 2 == history.head
        assert history.end is None

    asyncio.run(scenario())


def test_what_does_not_exist_is_loaded_as_none(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            assert await steps.load(TENANT, "other", 0) is None
            assert await steps.load("other", "e", 0) is None
            assert await steps.effect(TENANT, "e", "1") is None

    asyncio.run(scenario())


def test_a_step_of_a_stored_number_gets_the_stored_bytes(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            await steps.commit(step("e", 1, b"first", digest=b"a"))
            await steps.commit(step("e", 2))
            again = await steps.commit(step("e", 1, b"second", digest=b"b", jobs=(job(),)))

        assert "duplicate" == again.fate
        assert again.step is not None
        assert (b"first", b"a") == (again.step.reply, again.step.digest)

    asyncio.run(scenario())


def test_a_step_that_loses_leaves_no_job(dsn: str, owner_dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0, jobs=(job("zero"),)))
            await steps.commit(step("e", 1, jobs=(job("won"), job("won too"))))
            await steps.commit(step("e", 1, jobs=(job("lost"),)))
            await steps.commit(step("e", 5, jobs=(job("refused"),)))

    asyncio.run(scenario())
    assert [(0, 0, "zero"), (1, 0, "won"), (1, 1, "won too")] == rows(
        owner_dsn, "SELECT step_no, ordinal, task FROM reception.job ORDER BY 1, 2"
    )


@pytest.mark.parametrize("step_no", [2, 3, 200, -1])
def test_only_the_next_number_is_stored(dsn: str, step_no: int) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            assert Committed("refused") == await steps.commit(step("e", step_no))
            assert Committed("refused") == await steps.commit(step("nobody", step_no))
            assert Committed("refused") == await steps.commit(step("nobody", 0))
            assert Committed("refused") == await steps.commit(step("e", 1, tenant="other"))

    asyncio.run(scenario())


def test_an_episode_may_be_opened_before_its_first_step(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            assert Opened("opened", "e") == await steps.open(opening("e"))
            assert Opened("duplicate", "e", 1) == await steps.open(opening("f"))
            assert Committed("refused") == await steps.commit(step("e", 1))
            assert Committed("stored") == await steps.commit(step("e", 0))

    asyncio.run(scenario())


# --- the end --------------------------------------------------------------------------------------


def test_an_episode_ends_once_and_defers_one_job(dsn: str, owner_dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            assert await steps.end(TENANT, "e", cause="hangup", now=NOW)
            assert not await steps.end(TENANT, "e", cause="reaper", now=NOW)
            assert not await steps.end(TENANT, "nobody", cause="hangup", now=NOW)
            assert not await steps.end("other", "e", cause="hangup", now=NOW)
            history = await steps.load(TENANT, "e", 0)

        assert history is not None
        assert ("hangup", NOW) == (history.episode.end_cause, history.episode.ended_at)
        assert history.end is not None
        assert (1, None) == (history.end.step_no, history.end.entries)
        assert 0 == history.head

    asyncio.run(scenario())
    assert [(END_TASK, 1)] == rows(owner_dsn, "SELECT task, step_no FROM reception.job")


def test_after_the_end_no_step_is_stored_and_stored_ones_are_given(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0, b"zero"))
            await steps.end(TENANT, "e", cause="hangup", now=NOW)
            assert Committed("ended") == await steps.commit(step("e", 1))
            assert Committed("ended") == await steps.commit(step("e", 2))
            again = await steps.commit(step("e", 0, b"other"))
            assert again.step is not None
            assert ("duplicate", b"zero") == (again.fate, again.step.reply)

    asyncio.run(scenario())


def test_an_episode_without_a_step_ends_too(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"))
            assert await steps.end(TENANT, "e", cause="hangup", now=NOW)
            assert Committed("ended") == await steps.commit(step("e", 0))

    asyncio.run(scenario())


def test_what_the_ended_dialog_did_is_stored_once(dsn: str, owner_dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            run = EndRun(TENANT, "e", b"after", NOW, (job("goodbye"),))
            assert not await steps.finish_end(run)
            await steps.end(TENANT, "e", cause="hangup", now=NOW)
            assert await steps.finish_end(run)
            assert not await steps.finish_end(EndRun(TENANT, "e", b"again", NOW, (job("twice"),)))
            history = await steps.load(TENANT, "e", 0)

        assert history is not None
        assert history.end is not None
        assert b"after" == history.end.entries

    asyncio.run(scenario())
    assert [END_TASK, "goodbye"] == [
        row[0] for row in rows(owner_dsn, "SELECT task FROM reception.job ORDER BY ordinal")
    ]


# --- openings -------------------------------------------------------------------------------------


def test_an_equal_body_within_ten_seconds_is_the_same_opening(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a"), step("a", 0, b"bytes"))
            again = await steps.open(opening("b", after_s=10), step("b", 0, b"others"))
            assert ("duplicate", "a", 1) == (again.fate, again.episode, again.copies)
            assert again.step is not None
            assert b"bytes" == again.step.reply
            assert await steps.load(TENANT, "b", 0) is None

    asyncio.run(scenario())


def test_three_copies_are_answered_and_a_fourth_is_a_loop(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a"), step("a", 0))
            fates = [(await steps.open(opening(f"b{n}"))).fate for n in range(4)]
            assert ["duplicate", "duplicate", "duplicate", "too_many"] == fates

    asyncio.run(scenario())


def test_an_equal_body_later_is_a_new_episode_that_ends_the_open_one(
    dsn: str, owner_dsn: str
) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a"), step("a", 0))
            later = await steps.open(opening("b", after_s=10.001), step("b", 0, jobs=(job(),)))
            assert Opened("opened", "b") == later
            assert Committed("ended") == await steps.commit(step("a", 1))
            assert Committed("stored") == await steps.commit(step("b", 1))

    asyncio.run(scenario())
    assert [("a", "superseded"), ("b", None)] == rows(
        owner_dsn, "SELECT episode, end_cause FROM reception.episode ORDER BY 1"
    )
    assert [("a", END_TASK), ("b", "task")] == rows(
        owner_dsn, "SELECT episode, task FROM reception.job ORDER BY 1"
    )


def test_another_body_of_the_call_is_a_new_episode_at_once(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a"), step("a", 0))
            assert Opened("opened", "b") == await steps.open(opening("b", digest=b"other"))
            # And the first body once more is still the first opening, though that has ended.
            assert "a" == (await steps.open(opening("c", after_s=2))).episode

    asyncio.run(scenario())


def test_an_opening_that_says_it_is_new_is_never_a_repetition(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a"), step("a", 0))
            assert Opened("opened", "b") == await steps.open(opening("b", is_new=True))
            assert Committed("ended") == await steps.commit(step("a", 1))

    asyncio.run(scenario())


def test_a_repetition_after_the_end_still_belongs_to_the_ended_one(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a"), step("a", 0))
            await steps.end(TENANT, "a", cause="hangup", now=NOW)
            assert "a" == (await steps.open(opening("b", after_s=3))).episode
            assert Opened("opened", "c") == await steps.open(opening("c", after_s=30))

    asyncio.run(scenario())


def test_calls_of_other_tenants_and_accounts_are_other_calls(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            assert "opened" == (await steps.open(opening("a"))).fate
            assert "opened" == (await steps.open(opening("b", tenant="other"))).fate
            assert "opened" == (await steps.open(opening("c", "another call"))).fate

    asyncio.run(scenario())


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["nul\0", "half \ud800"])
def test_a_text_that_cannot_be_stored_is_refused_for_its_caller_alone(dsn: str, bad: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            results = await asyncio.gather(
                steps.open(opening("a", "1"), step("a", 0)),
                steps.open(opening("b", bad)),
                steps.open(opening("c", "2"), step("c", 0, jobs=(job(bad),))),
                steps.open(opening("d", "3"), step("d", 0, reply=b"\0\xff")),
                return_exceptions=True,
            )
            assert Opened("opened", "a") == results[0]
            assert Opened("opened", "d") == results[3]
            for refused in results[1:3]:
                assert isinstance(refused, AppError)
                assert "store.text" == refused.code

    asyncio.run(scenario())


def test_a_row_that_cannot_be_stored_fails_alone(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            for n in range(20):
                await steps.open(opening(f"e{n}", str(n)), step(f"e{n}", 0))
            # A value that is missing, and a number that is no integer of PostgreSQL's.
            bad = step("e7", 1, reply=b"x", jobs=(job(),))
            results = await asyncio.gather(
                *(steps.commit(step(f"e{n}", 1)) for n in range(20) if n not in (7, 8)),
                steps.commit(replace(bad, jobs=(replace(job(), args=None),))),  # type: ignore[arg-type]  # a caller's mistake
                steps.commit(step("e8", 2**31)),
                return_exceptions=True,
            )
            assert [Committed("stored")] * 18 == results[:18]
            assert [True, True] == [isinstance(each, Exception) for each in results[18:]]

    asyncio.run(scenario())


def test_the_name_of_a_tenant_is_never_a_list_of_several(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            for attempt in (
                steps.load("a,b", "e", 0),
                steps.commit(step("e", 1, tenant="a,b")),
                steps.claim(claim("e", 1, tenant="a,b")),
                steps.end("a,b", "e", cause="hangup", now=NOW),
            ):
                with pytest.raises(AppError) as caught:
                    await attempt
                assert "store.text" == caught.value.code

    asyncio.run(scenario())


def test_aliases_find_the_episode_of_a_renamed_call(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("a", "first"), step("a", 0))
            await steps.open(opening("b", "other"), step("b", 0))
            for _ in range(2):
                await steps.add_alias(TENANT, "a", "second")
                await steps.add_alias(TENANT, "a", "first")
            assert ["a"] == [each.episode for each in await steps.of_call(TENANT, "first")]
            assert ["a"] == [each.episode for each in await steps.of_call(TENANT, "second")]
            assert [] == await steps.of_call("other", "second")

    asyncio.run(scenario())


def test_silent_episodes_are_found_by_their_last_step(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("quiet", "1", after_s=-60))
            await steps.open(opening("busy", "2", after_s=-60), step("busy", 0))
            await steps.open(opening("ended", "3", after_s=-60))
            await steps.end(TENANT, "ended", cause="hangup", now=NOW)
            found = await steps.silent(TENANT, since=NOW - timedelta(seconds=1), limit=10)
            assert ["quiet"] == found
            assert {"quiet", "busy"} == set(
                await steps.silent(TENANT, since=NOW + timedelta(seconds=1), limit=10)
            )

    asyncio.run(scenario())


# --- effects --------------------------------------------------------------------------------------


def test_an_effect_is_run_by_one_and_its_result_is_everybodys(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"))
            ours = await steps.claim(claim("e", 0))
            assert ours.effect is not None
            assert ("ours", 1, b"buffer", "key") == (
                ours.fate,
                ours.effect.attempts,
                ours.effect.entries,
                ours.effect.key,
            )
            assert "theirs" == (await steps.claim(claim("e", 0, owner="other"))).fate
            assert not await steps.finish(
                TENANT, "e", "1", owner="other", failed=False, result=b"no"
            )
            assert await steps.finish(TENANT, "e", "1", owner="me", failed=False, result=b"yes")
            assert not await steps.finish(TENANT, "e", "1", owner="me", failed=True, result=b"no")
            settled = await steps.claim(claim("e", 0, owner="other"))
            assert settled.effect is not None
            assert ("settled", "done", b"yes") == (
                settled.fate,
                settled.effect.state,
                settled.effect.result,
            )
            assert settled.effect == await steps.effect(TENANT, "e", "1")

    asyncio.run(scenario())


def test_a_lease_that_has_run_out_is_taken_over_until_it_is_hopeless(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"))
            await steps.claim(claim("e", 0, owner="1"))
            assert "theirs" == (await steps.claim(claim("e", 0, owner="2", after_s=29))).fate
            assert await steps.renew(
                TENANT, "e", "1", owner="1", lease_until=NOW + timedelta(seconds=60)
            )
            assert "theirs" == (await steps.claim(claim("e", 0, owner="2", after_s=31))).fate
            fates = [
                (await steps.claim(claim("e", 0, owner=f"n{n}", after_s=100 * n))).fate
                for n in range(1, 7)
            ]
            assert ["ours"] * 4 + ["exhausted"] * 2 == fates
            assert not await steps.finish(TENANT, "e", "1", owner="1", failed=False, result=b"")
            assert await steps.finish(TENANT, "e", "1", owner="n4", failed=False, result=b"")

    asyncio.run(scenario())


def test_no_effect_is_claimed_for_a_stored_step_or_an_ended_episode(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            assert "stored" == (await steps.claim(claim("e", 0))).fate
            assert "stored" == (await steps.claim(claim("nobody", 0))).fate
            assert "stored" == (await steps.claim(claim("e", 1, tenant="other"))).fate
            assert "stored" == (await steps.claim(claim("e", 1, is_ending=True))).fate
            await steps.end(TENANT, "e", cause="hangup", now=NOW)
            assert "ended" == (await steps.claim(claim("e", 1))).fate
            assert "ours" == (await steps.claim(claim("e", 1, is_ending=True))).fate
            await steps.finish_end(EndRun(TENANT, "e", b"", NOW))
            assert "ended" == (await steps.claim(claim("e", 1, "2", is_ending=True))).fate

    asyncio.run(scenario())


def test_effects_are_loaded_in_the_order_of_operations(dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"))
            for op in ("10", "9", "9.10", "9.2"):
                await steps.claim(claim("e", 0, op))
            history = await steps.load(TENANT, "e", 0)

        assert history is not None
        assert ["9", "9.2", "9.10", "10"] == [effect.op for effect in history.effects]

    asyncio.run(scenario())
