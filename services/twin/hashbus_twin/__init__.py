"""The twin: a simulated house that the real decisions run, on a clock of its own."""
