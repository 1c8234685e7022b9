"""An event for the scheduler when files have come to rest in the landing zone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from connectors.settings import load_settings


class LandingTrigger(BaseEventTrigger):
    """Fire once whenever the landing zone holds files that two equal looks found at rest.

    The event says how many files there are, never their names: file names can hold personal data.
    """

    def __init__(self, poll_seconds: float = 1.0) -> None:
        super().__init__()
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how the triggerer makes this trigger again."""
        return ("dags.support.landing_trigger.LandingTrigger", {"poll_seconds": self.poll_seconds})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for ever; a listing already announced is not announced again until it changes."""
        # every task parses the DAG file, and with it this module: the landing zone is imported only where it is watched
        from connectors import landing

        zone = load_settings().landing
        announced: Any = {}
        previous: Any = None
        while True:
            listing = await asyncio.to_thread(landing.listing, zone)
            if listing == previous and listing != announced:
                if listing:
                    yield TriggerEvent({"files": len(listing)})
                announced = listing
            previous = listing
            await asyncio.sleep(self.poll_seconds)
