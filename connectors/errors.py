"""Errors that are meant for the person at the keyboard."""

from __future__ import annotations


class UserError(Exception):
    """One clear sentence: what, where, and what to do. Carries no personal data."""


class RefusedError(Exception):
    """The delivery cannot be used; the message is the Chinese sentence of its receipt, without cell values."""
