"""The calls of the REST API, one file a subject."""
