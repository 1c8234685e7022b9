"""Objections (异议) to delivered records: raised against a row, decided, and mended by a later delivery (ADR 34)."""
