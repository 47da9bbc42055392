"""Durable background work: what is due is taken, done at least once, and never lost."""
