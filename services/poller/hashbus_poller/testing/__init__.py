"""What driver authors test with: the promises that every driver keeps, and what they need to run."""
