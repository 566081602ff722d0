"""The past, asked at the recorder."""
