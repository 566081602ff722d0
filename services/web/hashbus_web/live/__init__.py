"""Live values: changes encoded once and handed to everybody who looks."""
