"""What the warehouse DAG builds, one task each; read wherever the DAG file is parsed, so that it imports nothing."""

ASSESSMENT = "assessment"
DATABASES = ("population", "legal_entity", "credit", "licence", "themes", ASSESSMENT)
"""In the order in which they are built."""
