"""Open data: what the public may read, as files and in schema `open_data` (ADR 30, 31)."""
