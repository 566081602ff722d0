"""Modbus as a server, over TCP and in serial frames, and devices that are nothing but registers."""
