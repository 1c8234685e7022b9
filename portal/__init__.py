"""The outside face: static pages for analysts, auditors and departments, computed from nothing but the warehouse."""

from portal.builder import build

__all__ = ["build"]
