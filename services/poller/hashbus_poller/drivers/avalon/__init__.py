"""Avalons of Canaan, from the 741 to the Nano 3S: cgminer's port with the MM string in it and `ascset` behind it."""
