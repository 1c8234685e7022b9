"""Documents for analysts, made from contracts and models: data dictionary, ODCS contracts, dbt's pages."""
