"""Tells people what happens on the site."""
