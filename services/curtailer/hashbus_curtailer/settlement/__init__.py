"""What a plan delivered: the baseline, the energy in each interval, the score, and a document that proves it."""
