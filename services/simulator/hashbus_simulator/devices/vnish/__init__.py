"""Antminers with VNish firmware: the REST interface on port 80, and reads on 4028 (PROTOCOLS.md 3.10)."""
