"""Any device or service that answers a GET with JSON."""
