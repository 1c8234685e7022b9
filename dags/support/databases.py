"""What the warehouse DAG builds, one task each; read wherever the DAG file is parsed, so that it imports nothing."""

LIBRARIES, THEMES, ASSESSMENT = "libraries", "themes", "assessment"
DATABASES = (LIBRARIES, THEMES, ASSESSMENT)
"""In the order in which they are built; the four base libraries together."""
