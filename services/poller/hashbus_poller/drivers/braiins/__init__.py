"""Miners with Braiins OS, over its REST interface on port 80 (PROTOCOLS.md 3.9)."""
