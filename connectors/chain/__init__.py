"""The hash chain over the account: every link, where it stands, and whether it still holds (ADR 27)."""

from connectors.chain.head import Head, head, note, of_batch, of_open_release, of_run, position
from connectors.chain.scorecard import scorecard_sha256

__all__ = ["Head", "head", "note", "of_batch", "of_open_release", "of_run", "position", "scorecard_sha256"]
