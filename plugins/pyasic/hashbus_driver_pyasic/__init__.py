"""A driver as a package of its own: miners that hashbus does not speak to itself, through pyasic-rs."""
