"""The web service: the dashboard and the REST API of a site."""
