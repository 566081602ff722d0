"""The cloud portal of EG4 and LuxPower battery inverters (PROTOCOLS.md 5.1)."""
