"""The schedule: what runs when, in what order, with which retries. No business logic."""
