"""Golden records: which source wins per field is data (`seeds/survivorship.csv`); the dbt models follow from it."""
