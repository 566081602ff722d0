"""Avalons of all generations: cgminer's port with the MM string in it and `ascset` for everything else."""
