"""A sample city: one consistent population and economy behind every department's extracts, dirt and truth included."""

from connectors.sample.writing import DEFAULT_AS_OF, DEFAULT_SEED, SampleReport, write_city

__all__ = ["DEFAULT_AS_OF", "DEFAULT_SEED", "SampleReport", "write_city"]
