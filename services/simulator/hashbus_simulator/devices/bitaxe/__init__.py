"""The Bitaxe and its AxeOS firmware: HTTP on port 80, no password (PROTOCOLS.md section 4)."""
