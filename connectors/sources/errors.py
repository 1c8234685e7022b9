"""Why a source could not be read: in plain words, without secrets and without values of records."""

from __future__ import annotations

from connectors.errors import UserError


class SourceError(UserError):
    """The source could not be read to its end; nothing was delivered.

    Raised `from None`: the errors of drivers and HTTP clients name addresses, accounts and values.
    """
