"""Great Expectations gates: what may pass, and how well a delivery scores.

Imports `connectors` only. Great Expectations itself takes seconds to import: modules that need it (`custom`,
`checkpoint`) are imported by the functions that use them.
"""

import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"
