"""Emulated markets: exchanges, sources of the Bitcoin network, and suppliers of electricity, with their own replies."""
