"""Anything that says its values on MQTT topics of its own."""
