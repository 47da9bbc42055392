"""
A small application that shows every answer of the published contract.

Dial 2000 for caller ID then a user, 2001 for voicemail, 2002 for a recording, 2003 for
an outside number, 2004 for a menu, and 2005 for a recording after which the platform
asks again. The identifiers stand for documents of your own QVOICE account.
"""

from reception import App, Call, Flow, flow

FRONT_DESK = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
MAILBOX = "0123456789abcdef0123456789abcdef"
MENU = "c0ffee00c0ffee00c0ffee00c0ffee00"
NOT_REACHED = ("NO_ANSWER", "USER_BUSY", "CALL_REJECTED", "NO_USER_RESPONSE", "UNALLOCATED_NUMBER")
WELCOME = "https://media.example.com/audio/welcome.wav"

app = App(
    "acme-crm",
    fallback=flow.user(FRONT_DESK, timeout=20).then(flow.voicemail(MAILBOX)),
)


@app.answer
async def answer(call: Call) -> Flow:
    if call.params.get("at") == "after-welcome":
        return flow.user(FRONT_DESK, timeout=30).then(flow.voicemail(MAILBOX))
    match call.dialled:
        case "2001":
            return flow.voicemail(MAILBOX, max_message_length=500, interdigit_timeout=2000)
        case "2002":
            return flow.play(WELCOME, answer=True, loop_count=1).then(flow.hangup())
        case "2003":
            outside = flow.resources("+15551234567", timeout=60, caller_id_type="external")
            # A call to a carrier never goes on with the default branch, so each failure is named.
            for cause in NOT_REACHED:
                outside = outside.on(cause, flow.voicemail(MAILBOX))
            return outside
        case "2004":
            return flow.menu(MENU, interdigit_timeout=3000)
        case "2005":
            again = flow.pivot(url=call.pivot_url(at="after-welcome"))
            return flow.play(WELCOME, answer=True).then(again)
        case _:
            return flow.set_cid(name="Support Line", number="+18005551212").then(
                flow.user(FRONT_DESK, timeout=30, strategy="simultaneous")
            )
