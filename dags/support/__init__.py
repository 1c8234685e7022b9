"""What the three DAGs call, importable and testable without a scheduler."""
