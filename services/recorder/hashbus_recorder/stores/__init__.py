"""The time-series stores: embedded (SQLite, no server), InfluxDB 1 to 3, and VictoriaMetrics."""
