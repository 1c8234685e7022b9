"""Which record versions are in force: the one definition that splitting, references and reading share."""

from __future__ import annotations


def in_force(contract_id: str, alias: str) -> str:
    """Return the SQL source of the versions in force at a business date, all that is known now considered.

    A version counts from its own as-of date until the first closing; the parameters are `as_of` and `table`
    (the contract id). Ready to stand after `from`, followed by a `where` of the caller's own.
    """
    return (
        f'(select v.* from raw."{contract_id}" v where v._as_of <= %(as_of)s and not exists ('
        "select from quality.version_closing c where c.table_name = %(table)s and c.record_key = v._record_key"
        f" and c.version_batch_id = v._batch_id and c.as_of <= %(as_of)s)) {alias}"
    )
