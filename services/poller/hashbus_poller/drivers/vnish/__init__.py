"""Antminers with VNish firmware, over its REST interface on port 80 (PROTOCOLS.md 3.10)."""
