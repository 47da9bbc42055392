"""
Callers as the platform makes them: they keep what a reply said, and come back with it.

A caller holds one connection, follows the URL of each reply, brings all keys that were ever
collected, and waits where a person would. When its connection is lost or nobody answers, it
sends the same request again, as a proxy between the platform and us may; now and then it does
so without need, later or at the same time. It never tells the service that this is a trial.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reception.service.dialogs import digest_of
from reception.wire import parse_pivot
from tests.crash.history import Conversation, History

VOICE = "/voice?APPID=desk"
ACCOUNT = "00000000000000000000000000000000"
HOLD = "One moment, please"
# What the platform waits for an answer, at most.
PATIENCE_S = 5.0
# A first request is a repetition within 10 s, and three times at most.
_REPEAT_WITHIN_S = 4.0
_MOST_COPIES = 3
_AGAIN_AFTER_S = 0.02

PLANS = (
    *("ca", "caa", "cjaja", "ncaja"),
    *("cae", "caeja", "catja", "ecaja", "cagja"),
    *("casja", "cajs"),
)


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its body, and how long it took."""

    status: int
    body: bytes
    took_s: float

    def __str__(self) -> str:
        return f"{self.status} after {self.took_s:.2f} s: {self.body[:120]!r}"


class Line:
    """One kept-alive connection, made when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect, unless it is."""
        if not self.is_open:
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, target: str, body: bytes) -> Answer:
        """
        Send one request and read its answer.

        Errors:
            OSError, EOFError: the connection is lost.
            TimeoutError: nobody answers.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.open()
                assert self._streams is not None  # it was opened
                reader, writer = self._streams
                began = time.monotonic()
                writer.write(
                    f"POST {target} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n"
                    f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                head = await reader.readuntil(b"\r\n\r\n")
                lower = head.lower()
                length = int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                text = await reader.readexactly(length)
                took_s = time.monotonic() - began
        except BaseException:
            self.close()
            raise
        if b"connection: close" in lower:
            self.close()
        return Answer(int(head.split(b" ", 2)[1]), text, took_s)

    @property
    def is_open(self) -> bool:
        """Is there a connection, as far as anybody knows?"""
        return self._streams is not None and not self._streams[0].at_eof()

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(frozen=True)
class Reply:
    """A reply as the platform reads it, along the default branch down to the way back."""

    words: tuple[str, ...]
    holds: bool
    collection: str
    target: str
    episode: str
    silence_s: float
    variables: dict[str, Any]

    @property
    def is_fallback(self) -> bool:
        return not (self.words or self.holds or self.target)

    @classmethod
    def read(cls, body: bytes) -> Reply:
        texts: list[str] = []
        collection = target = ""
        silence_s = 0.0
        variables: dict[str, Any] = {}
        node = json.loads(body)
        while node:
            data = node["data"]
            match node["module"]:
                case "tts":
                    texts.append(data["text"])
                case "collect_dtmf":
                    collection = data["collection_name"]
                case "sleep":
                    silence_s += data["duration"] / (1000 if data.get("unit") == "ms" else 1)
                case "set_variables":
                    variables |= data["custom_application_vars"]
                case "pivot":
                    parts = urlsplit(data["voice_url"])
                    target = f"{parts.path}?{parts.query}"
                    break
                case _:
                    pass
            node = node["children"].get("_")
        words = tuple(word for text in texts if not text.startswith(HOLD) for word in text.split())
        holds = any(text.startswith(HOLD) for text in texts)
        episode = parse_qs(urlsplit(target).query)["c"][0] if target else ""
        return cls(words, holds, collection, target, episode, silence_s, variables)


@dataclass
class Caller:
    """
    Makes one call after the other.

    Attributes:
        hold_s: how long a holding prompt lasts.
        faults: how often to repeat a request without need, and to dial anew in the middle.
    """

    port: int
    number: int
    seed: int
    history: History
    stopping: asyncio.Event
    hold_s: float = 2.0
    faults: float = 0.2
    plans: tuple[str, ...] = PLANS
    _calls: int = 0
    _last: str = ""
    chance: random.Random = field(init=False)
    lines: tuple[Line, Line] = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}-{self.number}")
        self.lines = (Line(self.port), Line(self.port))

    async def run(self) -> None:
        """Call until told to stop; the last call is brought to its end."""
        try:
            while not self.stopping.is_set():
                self._calls += 1
                call_id = f"{self.seed}-{self.number}-{self._calls}"
                plan = self.chance.choice(self.plans)
                ended = ""
                if self._last and self.chance.random() < self.faults:
                    # Somebody reports the end of the call before.
                    plan, ended = plan + "x", self._last
                await self._call(call_id, plan, ended)
                self._last = call_id
        finally:
            for line in self.lines:
                line.close()

    async def _call(self, call_id: str, plan: str, ended: str) -> None:
        dials_anew = self.chance.random() < self.faults
        variables = await self._walk(call_id, plan, ended, {}, give_up=dials_anew)
        if dials_anew:
            # The same call once more: with the mark of its episode, or by another dial plan.
            marked = self.chance.random() < 0.5
            again = variables if marked and variables else {"by": "another"}
            await self._walk(call_id, plan, ended, again, give_up=False)

    async def _walk(
        self, call_id: str, plan: str, ended: str, variables: dict[str, Any], *, give_up: bool
    ) -> dict[str, Any]:
        """Go from reply to reply; gives the variables of the call."""
        # Nobody repeats what would begin another episode: it carries the mark of the last.
        may_repeat = "rx_e" not in variables
        conversation = Conversation(self.history, call_id)
        target, pressed, number, episode = VOICE, "", 0, ""
        digits: dict[str, str] = {}
        while True:
            body = request_body(call_id, plan, ended, digits, variables)
            answer = await self._answered(target, body, is_first=number == 0, may_repeat=may_repeat)
            if answer is None:
                self.history.counts["calls given up"] += 1
                return variables
            self.history.counts["answers"] += 1
            self.history.slowest_s = max(self.history.slowest_s, answer.took_s)
            if answer.status != 200:
                self.history.counts[f"status {answer.status}"] += 1
                if answer.status == 404 and number:
                    self.history.refused.add((episode, number))
                elif answer.status < 500:
                    self.history.problem(f"call {call_id}, step {number}: {answer}")
                return variables
            reply = Reply.read(answer.body)
            if reply.is_fallback:
                name = episode or first_request_name(body)
                self.history.fell_back((name, number), answer.body, answer.took_s)
                return variables
            episode = reply.episode or episode
            if episode:
                self.history.heard((episode, number), answer.body)
            variables = variables | reply.variables
            if reply.holds:
                self.history.counts["holds"] += 1
            else:
                conversation.said(reply.words, pressed)
                pressed = ""
            if not reply.target:
                self.history.counts["calls to the end"] += 1
                return variables
            if give_up and number >= 1:
                return variables
            await asyncio.sleep(reply.silence_s + self._think_s(reply))
            if reply.collection and not reply.holds:
                pressed = self.chance.choice("123456789")
                digits[reply.collection] = pressed
            target, number = reply.target, number + 1

    def _think_s(self, reply: Reply) -> float:
        return self.hold_s if reply.holds else self.chance.uniform(0.0, 0.05)

    async def _answered(
        self, target: str, body: bytes, *, is_first: bool, may_repeat: bool
    ) -> Answer | None:
        """
        Send a request until somebody answers, and perhaps once more; all must say the same.

        None for a first request that nobody has answered in time: later it is another one.
        """
        began = time.monotonic()
        give_up_at = began + _REPEAT_WITHIN_S if is_first else float("inf")
        at_once = may_repeat and self.chance.random() < self.faults
        later = may_repeat and self.chance.random() < self.faults
        sent = await asyncio.gather(
            *(
                self._until_answered(line, target, body, give_up_at)
                for line in self.lines[: 1 + at_once]
            )
        )
        tries = sum(count for _, count in sent)
        if later and not (is_first and tries >= _MOST_COPIES):
            sent.append(await self._until_answered(self.lines[0], target, body, give_up_at))
            tries += sent[-1][1]
        self.history.counts["repeated"] += tries - 1
        answers = [answer for answer, _ in sent if answer is not None]
        if not is_first or tries <= _MOST_COPIES:
            self._compare(answers)
        return answers[0] if sent[0][0] is not None else None

    def _compare(self, answers: list[Answer]) -> None:
        """Copies hear the same, but for fallbacks and refusals: those are looked at in the end."""
        said = {
            answer.body
            for answer in answers
            if answer.status == 200 and not Reply.read(answer.body).is_fallback
        }
        if len(answers) > 1:
            self.history.counts["compared"] += len(answers) - 1
        if len(said) > 1:
            self.history.problem(
                f"copies of a request heard different replies: {[body[:300] for body in said]}"
            )

    async def _until_answered(
        self, line: Line, target: str, body: bytes, give_up_at: float
    ) -> tuple[Answer | None, int]:
        """Gives the answer, and how often it was asked for."""
        tries = 0
        while time.monotonic() < give_up_at:
            tries += 1
            try:
                return await line.ask(target, body), tries
            except TimeoutError:
                self.history.counts["unanswered"] += 1
            except (OSError, EOFError) as error:
                # Where nobody listens, nothing was sent.
                if isinstance(error, ConnectionRefusedError):
                    tries -= 1
                else:
                    self.history.counts["connections lost"] += 1
                await asyncio.sleep(_AGAIN_AFTER_S)
        return None, tries


def first_request_name(body: bytes) -> str:
    """What the store knows a first request by: whoever heard a fallback was told no episode."""
    return digest_of(parse_pivot(body, "application/json")).hex()


def request_body(
    call_id: str, plan: str, ended: str, digits: dict[str, str], variables: dict[str, Any]
) -> bytes:
    """The body of a request, much as the platform sends it."""
    return json.dumps(
        {
            "Call-ID": call_id,
            "Account-ID": ACCOUNT,
            "From": "1001",
            "From-Realm": "hotel.example",
            "To": "2000",
            "To-Realm": "hotel.example",
            "Request": "2000",
            "Request-Realm": "hotel.example",
            "Api-Version": "4.x",
            "Direction": "inbound",
            "Caller-ID-Name": plan,
            "Caller-ID-Number": ended or "1001",
            "Language": "en-us",
            "Custom-Application-Vars": variables,
            "Digits": digits,
        }
    ).encode()
