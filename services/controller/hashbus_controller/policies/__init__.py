"""What makes bids: each policy one pure file, from readings and its own memory to bids."""
