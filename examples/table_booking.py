"""
A dialog: book a table by keys.

It asks, checks, looks something up, asks again, and books, over many requests and as one
function. Nothing is really booked here; in your application that is a system of your own. Try it: dial, press 2 and hash for two guests, 19 for the hour, then 1.
"""

import asyncio
from dataclasses import dataclass

from reception import App, Call, Flow, current_step, flow

FRONT_DESK = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"

app = App("table-booking", fallback=flow.user(FRONT_DESK, timeout=20), version="1")


@dataclass
class Table:
    number: int
    hour: int


async def find_table(guests: int, hour: int) -> Table | None:
    """Look for a free table; the big ones are taken at eight."""
    await asyncio.sleep(0.05)
    return None if guests > 4 and hour == 20 else Table(number=10 + guests, hour=hour)


async def book(table: Table, caller: str) -> str:
    """Book it. The key is the same on every attempt, so a system of your own can de-duplicate."""
    step = current_step()
    return f"{table.number}-{table.hour}-{(step.key if step else '')[:4]}"


@app.answer
async def answer(call: Call) -> Flow:
    await call.say("Welcome to the restaurant.")
    guests = await call.ask(
        "For how many guests? Then press hash.",
        max_digits=2,
        valid=lambda keys: keys.isdigit() and 0 < int(keys) <= 12,
        retries=2,
        not_valid="We seat one to twelve.",
    )
    if not guests:
        return flow.user(FRONT_DESK, timeout=30)
    while True:
        hour = await call.ask(
            "At what hour? Press 18 to 21.",
            max_digits=2,
            valid={"18", "19", "20", "21"},
            retries=2,
        )
        if not hour:
            return flow.user(FRONT_DESK, timeout=30)
        table = await call.step(find_table, int(guests), int(hour))
        if table is not None:
            break
        await call.say("That hour is taken.")
    sure = await call.ask(f"Table {table.number} is free. Press 1 to book it.", valid="1")
    if not sure:
        return flow.tts("Nothing was booked. Goodbye.").then(flow.hangup())
    await call.step(book, table, call.caller_number)
    return flow.tts(f"Your table {table.number} is booked. Goodbye.").then(flow.hangup())
