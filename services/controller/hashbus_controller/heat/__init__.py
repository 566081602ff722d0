"""Heating with miners: what a zone needs, which miners give it, and what stands in the way."""
