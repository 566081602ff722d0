"""Bitaxe and its relatives, over the HTTP interface of their AxeOS firmware (PROTOCOLS.md section 4)."""
