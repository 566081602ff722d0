"""What a kilowatt-hour costs: fixed, by the hour of the day, or as an exchange, a supplier or a file says."""
