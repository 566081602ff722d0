"""Devices that are described, not programmed: which value, in which unit, is which field of a reading."""
