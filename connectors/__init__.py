"""Intake. Polars' allocator reads its settings when polars is loaded, which is after this."""

import os

# memory of one batch of rows serves the next ones before it goes back to the system
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:2000,muzzy_decay_ms:0")
