"""What two or more services must agree on: the messages, the bus, and the shell every process runs in."""
