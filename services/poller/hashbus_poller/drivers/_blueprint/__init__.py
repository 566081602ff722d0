"""The driver to copy: complete and small, for a device that does not exist.

The Acme Heater listens on TCP port 7777. It takes one JSON object on a line and answers with one on a line, then
hangs up; what changes something carries the PIN on its back. README.md says what to do with this folder.
"""
