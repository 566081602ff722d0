"""The controller: decides how much power each miner may draw, and says why."""
