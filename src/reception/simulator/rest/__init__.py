"""
The platform's REST API, as a local server with a memory.

`app` is the ASGI face: it reads a request (`asked`), checks token and allowance (`tokens`,
`allowance`), hands it to the resource that it names (`routes`) and wraps what comes back
(`envelope`). Documents are in `documents`, what their schemas demand in `demands`; calls,
channels and records of ended calls in `channels`, `records` and `quickcalls`.

The rule: it answers as `contract/platform_api.md` says the platform does, errors included,
and keeps everything in memory, for one rehearsal.
"""
