"""
The platform, imitated: what a Pivot app meets when a call comes in, without a telephone.

`request` builds what the platform sends, `client` puts it on the wire, `verdict` judges
the reply, `walk` runs the returned callflow node by node (`modules/`), and a `World` plays
the caller and the phones: a script, a person at the keyboard, or a test. `phone` joins
them to one call.

The rule: it knows what the platform knows, so it imports `wire`, `callflow` and `errors`
and never the server it talks to. What it does not know it says: an assumption is printed
as one, and a module it cannot run is named.
"""
