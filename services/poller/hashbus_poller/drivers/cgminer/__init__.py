"""Miners that speak the cgminer API on TCP port 4028; wire.py, answer.py and repair.py serve the whole family."""
