"""What is kept: PostgreSQL, its schema and every SQL statement of Reception."""
