"""What `make bench` measures: how long things take as ratios to a named peer, in one run on one machine."""

import connectors as connectors  # before polars, as everywhere else: it sets up the allocator
