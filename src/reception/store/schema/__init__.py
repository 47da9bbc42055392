"""Where Alembic finds the migrations; `reception.store.migrations` runs them."""
