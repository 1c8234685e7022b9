"""Questioning a run: other readings and operands, its export, its rules, its replay, how it differs from another."""
