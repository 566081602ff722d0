"""Antminers with LuxOS, on the cgminer port with its own commands and sessions (PROTOCOLS.md 3.8)."""
