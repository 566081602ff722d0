"""Antminers with LuxOS: the cgminer port with commands of its own, and sessions for writing (PROTOCOLS.md 3.8)."""
