"""Writes the series of a site to InfluxDB or to the embedded store and answers questions about the past."""
