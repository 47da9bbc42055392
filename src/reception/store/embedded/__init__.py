"""A PostgreSQL server of our own, for whoever has none: started, watched and stopped by us."""

from reception.store.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer"]
