"""
What the platform tells of a call: its legs, the events of each, and the posts about them.

`watching` turns the entries of a call into legs (`legs`) and their events (`events`);
`bodies` writes an event as a cdr_url post or as a webhook; `hooks` decides which webhook
wants it and when one is switched off; `sending` posts, repeats and, on request, loses and
doubles. None of it knows how a callflow runs.
"""
