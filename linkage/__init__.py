"""Decides which records speak of the same person or legal entity; everything is told apart by mentions (ADR 9)."""
