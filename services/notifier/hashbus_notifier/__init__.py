"""The notifier: knows what a person should be told, and says it once."""
