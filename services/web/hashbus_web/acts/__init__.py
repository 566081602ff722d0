"""What people ask for, and what came of it."""
