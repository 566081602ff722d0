"""Parts for the tests of services and plugins; nothing here runs on a site."""
