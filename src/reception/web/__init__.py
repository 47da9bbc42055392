"""The ASGI edge: who asks, what they get, and nothing about how a call is decided."""
