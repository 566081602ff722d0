"""The market service: what bitcoin, the network and electricity are worth, and what each miner earns."""
