"""The hashbus command: starts the broker and the services on one machine and restarts what falls."""
