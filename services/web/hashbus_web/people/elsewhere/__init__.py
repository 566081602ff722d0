"""Logins elsewhere: one file a way of asking who somebody is."""
