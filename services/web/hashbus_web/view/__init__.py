"""What is known of the site now, made of what was said on the bus."""
