"""From messages to what Home Assistant shows of them."""
