"""Who may read what: protection levels, roles and grants, read logging, key rotation, finding and erasing a person."""
