"""Great Expectations gates: what may pass, and how well a delivery scores.

Imports `connectors` only. Great Expectations itself takes seconds to import: modules that need it (`custom`,
`checkpoint`) are imported by the functions that use them.
"""

import logging
import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"

# Great Expectations logs whole statements and server messages; what failed stands in the gate's outcome instead.
logging.getLogger("great_expectations").propagate = False
logging.getLogger("great_expectations").addHandler(logging.NullHandler())
