"""Databases and HTTP interfaces as sources of deliveries.

A pull reads a source to its end in bounded batches and puts the rows into the landing zone as one Parquet file;
from there on it is a delivery like any other. `model` is what a contract states, `endpoint` where that is,
`sql` and `http` read, `state` remembers, `pull` ties them together.
"""
