"""Backup and restore of a whole site: its file, its state, its record, and its secrets under a passphrase."""
