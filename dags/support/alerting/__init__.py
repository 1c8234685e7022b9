"""Alerts for the person on duty: to a file of the home always, to a webhook where a connection names one."""
