"""House batteries behind EG4 and LuxPower inverters, over the vendor's cloud portal (PROTOCOLS.md 5.1)."""
