"""Stock Antminers: the cgminer port with five commands, and the web pages that control them (PROTOCOLS.md 3.5, 3.6)."""
