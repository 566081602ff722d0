"""The curtailer: chooses which miners give up how much power when the grid or a price asks for it."""
