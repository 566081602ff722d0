"""Mirrors the site to the cloud collector and brings its commands home."""
