"""The bot: answers those it knows, and hands on what they may ask for."""
